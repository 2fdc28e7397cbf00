import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { type Deadline, Deadlines } from "../../../src/ports/clock.js";
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
    const called: number[] = [];
    for (const delayMs of [100, 150, 200]) deadlines.after(delayMs, () => called.push(delayMs));
    clock.advance(50);
    clock.set(clock.now() - 3_600_000);
    deadlines.after(75, () => called.push(125));
    clock.advance(100);
    expect(called).toEqual([100, 125, 150]);
  });

  it("do not come due since the wall clock was set forward", () => {
    const clock = new ManualClock();
    const deadlines = new Deadlines(clock);
    const called: number[] = [];
    for (const delayMs of [100, 150]) deadlines.after(delayMs, () => called.push(delayMs));
    clock.set(clock.now() + 3_600_000);
    clock.advance(100);
    expect(called).toEqual([100]);
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
