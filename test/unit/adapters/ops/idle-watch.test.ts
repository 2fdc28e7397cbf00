import { expect, it } from "@jest/globals";
import { IdleWatch } from "../../../../src/adapters/ops/idle-watch.js";
import { ManualClock } from "../../../fakes/manual-clock.js";

it("a process that has not been idle since has not read all that has arrived since", () => {
  const clock = new ManualClock(1_000);
  let idle = 0;
  const watch = new IdleWatch(clock, () => idle);
  watch.lastIdleAt();
  clock.advance(10);
  idle += 5;
  expect(watch.lastIdleAt()).toBe(1_000);
  clock.advance(400);
  expect(watch.lastIdleAt()).toBe(1_000);
  idle += 1;
  clock.advance(10);
  expect(watch.lastIdleAt()).toBe(1_410);
});
