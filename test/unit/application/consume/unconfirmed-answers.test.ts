import { beforeEach, describe, expect, it } from "@jest/globals";
import { type Confirmation, UnconfirmedAnswers } from "../../../../src/application/consume/unconfirmed-answers.js";
import { ManualClock } from "../../../fakes/manual-clock.js";

const ACME = { customerId: "acme" };
const GLOBEX = { customerId: "globex" };
const TIMING = { confirmAfterMs: [5_000, 30_000, 120_000], maxUnconfirmed: 1 };
const CHANGED_AT = 1_000;

const first: Confirmation = {
  subject: ACME,
  onlyIfCached: false,
  changedAt: CHANGED_AT,
  step: 0,
  answeredAt: undefined,
};

describe("an answer that may be from before the change for which it was asked", () => {
  let clock: ManualClock;
  let asked: Confirmation[];
  let answers: UnconfirmedAnswers;
  beforeEach(() => {
    clock = new ManualClock(0);
    asked = [];
    answers = new UnconfirmedAnswers(clock, TIMING, (confirmation) => asked.push(confirmation));
  });

  it("is asked for again when its first, second, and third time has come, each counted from the first answer", () => {
    answers.add(first);
    clock.advance(4_999);
    expect(asked).toEqual([]);
    clock.advance(1);
    expect(asked).toEqual([{ ...first, step: 1 }]);
    answers.add({ ...first, step: 1 });
    clock.advance(25_000);
    expect(asked.at(-1)).toEqual({ ...first, step: 2 });
    answers.add({ ...first, step: 2 });
    clock.advance(90_000);
    expect(asked.at(-1)).toEqual({ ...first, step: 3 });
  });

  it("is asked for only at the last of these times where that is enough", () => {
    answers.add(first, true);
    clock.advance(119_999);
    expect(asked).toEqual([]);
    clock.advance(1);
    expect(asked).toEqual([{ ...first, step: 3 }]);
  });

  it("is asked for once more, as it was, where asking failed", () => {
    answers.repeat({ ...first, step: 2 });
    clock.advance(5_000);
    expect(asked).toEqual([{ ...first, step: 2 }]);
  });

  it.each([
    { what: "no time of the change is known", changedAt: -Infinity, step: 0, updatedAt: undefined, is: true },
    { what: "it is from after the change", changedAt: CHANGED_AT, step: 0, updatedAt: CHANGED_AT, is: true },
    { what: "it is from before", changedAt: CHANGED_AT, step: 0, updatedAt: CHANGED_AT - 1, is: false },
    { what: "it has no timestamp", changedAt: CHANGED_AT, step: 2, updatedAt: undefined, is: false },
    { what: "upstream has had all its time", changedAt: CHANGED_AT, step: 3, updatedAt: undefined, is: true },
  ])("is the last word, or is not, where $what", ({ changedAt, step, updatedAt, is }) => {
    expect(answers.isConfirmed({ ...first, changedAt, step }, updatedAt)).toBe(is);
  });

  it("is not the last word where a later change waits to be confirmed", () => {
    answers.add({ ...first, changedAt: CHANGED_AT + 1 });
    expect(answers.isConfirmed({ ...first, step: 3 }, undefined)).toBe(false);
  });

  it("of two changes is asked for on behalf of the later one, once", () => {
    answers.add({ ...first, changedAt: CHANGED_AT + 1 });
    answers.add(first);
    answers.confirmed(ACME, CHANGED_AT);
    clock.advance(120_000);
    expect(asked).toEqual([{ ...first, changedAt: CHANGED_AT + 1, step: 1 }]);
  });

  it("is asked for no more once a change is confirmed, or nobody listens", () => {
    answers.add(first);
    answers.confirmed(ACME, CHANGED_AT);
    answers.confirmed(GLOBEX, CHANGED_AT);
    answers.add(first);
    answers.stop();
    clock.advance(120_000);
    expect(asked).toEqual([]);
  });

  it("is remembered of so many subjects: of those on top of it what was written is believed for a short time", () => {
    answers.add(first);
    answers.add({ ...first, subject: GLOBEX });
    clock.advance(5_000);
    expect(asked.map(({ subject }) => subject)).toEqual([ACME]);
    expect([answers.lagMs, answers.believedMs]).toEqual([120_000, 150_000]);
  });

  it("is believed for half a minute where upstream is never behind", () => {
    const never = new UnconfirmedAnswers(clock, { ...TIMING, confirmAfterMs: [] }, (confirmation) =>
      asked.push(confirmation),
    );
    expect([never.lagMs, never.believedMs]).toEqual([0, 30_000]);
    expect(never.isConfirmed(first, undefined)).toBe(true);
  });
});
