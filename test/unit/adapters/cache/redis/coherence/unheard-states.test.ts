import { expect, it } from "@jest/globals";
import { UnheardStates } from "../../../../../../src/adapters/cache/redis/coherence/subject-marks.js";
import { ManualClock } from "../../../../../fakes/manual-clock.js";

function unheard(maxPerSecond = 100) {
  const clock = new ManualClock();
  const load = { isBusy: false };
  const states = new UnheardStates(clock, () => load.isBusy, maxPerSecond);
  states.mark(clock.now());
  return { clock, states, load, before: clock.now() };
}

it("are those that were verified before nobody heard, and no others", () => {
  const { states, before } = unheard();
  expect([before - 1, before, before + 1].map((verifiedAt) => states.isAskedFirst(verifiedAt))).toEqual([
    true,
    false,
    false,
  ]);
});

it("are as many as were, whatever earlier time is heard of later", () => {
  const { states, before } = unheard();
  states.mark(before - 1_000);
  expect(states.isAskedFirst(before - 1)).toBe(true);
});

it("are asked for before they serve so often in a second, and serve beyond that", () => {
  const { clock, states } = unheard(3);
  const asked = () => Array.from({ length: 5 }, () => states.isAskedFirst(0)).filter(Boolean).length;
  expect(asked()).toBe(3);
  clock.advance(999);
  expect(asked()).toBe(0);
  clock.advance(1);
  expect(asked()).toBe(3);
  clock.set(0);
  clock.advance(1_000);
  expect(asked()).toBe(3);
});

it("serve while more is asked for than can be answered in time", () => {
  const { states, load } = unheard();
  load.isBusy = true;
  expect(states.isAskedFirst(0)).toBe(false);
  load.isBusy = false;
  expect(states.isAskedFirst(0)).toBe(true);
});

it("are those up to now, and no later ones, where the clock has been set back since", () => {
  const { clock, states, before } = unheard();
  clock.set(before - 3_600_000);
  const now = clock.now();
  expect([now - 1, now, now + 1].map((verifiedAt) => states.isAskedFirst(verifiedAt))).toEqual([true, false, false]);
});
