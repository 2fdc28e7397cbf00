import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { type Deadline, Deadlines } from "../../../src/ports/deadlines.js";
import { ManualClock } from "../../fakes/manual-clock.js";

describe("deadlines", () => {
  it("are called back each at its own time, unless cancelled, whatever their order", () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ delayMs: fc.integer({ min: 0, max: 50 }), isCancelled: fc.boolean() }), { maxLength: 30 }),
        (list) => {
          const clock = new ManualClock(0);
          const deadlines = new Deadlines(clock);
          const called: [number, number][] = [];
          const made = list.map(({ delayMs }, index): Deadline =>
            deadlines.after(delayMs, () => called.push([index, clock.now()])),
          );
          for (const [index, { isCancelled }] of list.entries())
            if (isCancelled) deadlines.cancel(made[index] as Deadline);
          clock.advance(60);
          const expected = list.flatMap(({ delayMs, isCancelled }, index) => (isCancelled ? [] : [[index, delayMs]]));
          expect([...called].sort(([a], [b]) => a - b)).toEqual(expected);
          expect(clock.pendingTimers).toBe(0);
        },
      ),
    );
  });

  it("have one timer, and none once all are cancelled", () => {
    const clock = new ManualClock();
    const deadlines = new Deadlines(clock);
    const all = [300, 100, 200, 100].map((delayMs) => deadlines.after(delayMs, () => undefined));
    expect(clock.pendingTimers).toBe(1);
    for (const deadline of all) deadlines.cancel(deadline);
    expect(clock.pendingTimers).toBe(0);
  });

  it("come due although the wall clock was set back", () => {
    const clock = new ManualClock();
    const deadlines = new Deadlines(clock);
    let isCalled = false;
    deadlines.after(100, () => (isCalled = true));
    const dueAt = clock.now() + 100;
    clock.set(clock.now() - 5_000);
    clock.advance(dueAt - clock.now());
    expect(isCalled).toBe(true);
  });

  it("that are made by one that came due are called back as well", () => {
    const clock = new ManualClock();
    const deadlines = new Deadlines(clock);
    const called: number[] = [];
    deadlines.after(10, () => deadlines.after(10, () => called.push(clock.now())));
    const startedAt = clock.now();
    clock.advance(30);
    expect(called).toEqual([startedAt + 20]);
  });
});
