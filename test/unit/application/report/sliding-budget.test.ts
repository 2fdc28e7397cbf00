import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { SlidingBudget } from "../../../../src/application/report/delivery-pace.js";

const LIMIT = 10;
const WINDOW_MS = 1_000;

describe("a budget", () => {
  it("gives as much as it has, all or nothing, and tells when there is more", () => {
    const budget = new SlidingBudget(LIMIT, WINDOW_MS);
    expect([budget.available(0), budget.waitMs(0)]).toEqual([LIMIT, 0]);
    expect(budget.take(6, 100)).toBe(true);
    expect(budget.take(4, 300)).toBe(true);
    expect([budget.available(400), budget.take(1, 400), budget.waitMs(400)]).toEqual([0, false, 700]);
    expect([budget.available(1_100), budget.take(7, 1_100), budget.take(6, 1_100)]).toEqual([6, false, true]);
    expect([budget.available(1_299), budget.available(1_300)]).toEqual([0, 4]);
  });

  it("has whoever waits wait for a while at least, also where the time is up", () => {
    const budget = new SlidingBudget(LIMIT, WINDOW_MS);
    budget.take(LIMIT, 0);
    expect(budget.waitMs(5 * WINDOW_MS)).toBe(1);
  });

  it("gives never more than that within any window of time, however it is asked", () => {
    const requests = fc.array(fc.record({ afterMs: fc.nat({ max: 400 }), count: fc.integer({ min: 1, max: LIMIT }) }));
    fc.assert(
      fc.property(requests, (asked) => {
        const budget = new SlidingBudget(LIMIT, WINDOW_MS);
        const taken: { at: number; count: number }[] = [];
        let now = 0;
        for (const { afterMs, count } of asked) {
          now += afterMs;
          const within = taken.filter(({ at }) => now - at < WINDOW_MS).reduce((sum, each) => sum + each.count, 0);
          expect(budget.available(now)).toBe(LIMIT - within);
          const isTaken = budget.take(count, now);
          expect(isTaken).toBe(within + count <= LIMIT);
          if (isTaken) taken.push({ at: now, count });
        }
      }),
    );
  });
});
