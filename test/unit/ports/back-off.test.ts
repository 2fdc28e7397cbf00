import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { BackOff, doubledMs, spread } from "../../../src/ports/clock.js";

const TIMING = { firstDelayMs: 20, longestDelayMs: 1_000 };

describe("the waits between tries", () => {
  it("double up to the longest, and begin anew after what worked for as long as that", () => {
    const backOff = new BackOff(TIMING);
    expect([0, 0, 999, 0, 0, 0, 0, 0].map((workedMs) => backOff.nextMs(workedMs))).toEqual([
      20, 40, 80, 160, 320, 640, 1_000, 1_000,
    ]);
    expect([1_000, 0].map((workedMs) => backOff.nextMs(workedMs))).toEqual([20, 40]);
  });

  it("begin anew where they are told that it worked", () => {
    const backOff = new BackOff(TIMING);
    backOff.nextMs();
    backOff.nextMs();
    backOff.reset();
    expect(backOff.nextMs()).toBe(20);
  });

  it("are in the upper half of what they would be", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(3_000)), { maxLength: 50 }),
        (tries) => {
          let random = 0;
          const spreadOut = new BackOff(TIMING, () => random);
          const longest = new BackOff(TIMING);
          for (const [share, workedMs] of tries) {
            random = share;
            const waitMs = spreadOut.nextMs(workedMs);
            const longestMs = longest.nextMs(workedMs);
            expect(waitMs).toBeGreaterThanOrEqual(longestMs / 2);
            expect(waitMs).toBeLessThanOrEqual(longestMs);
          }
        },
      ),
    );
  });

  it("are a number however many there were", () =>
    expect([1_023, 1e9].map((waits) => doubledMs({ firstDelayMs: 0, longestDelayMs: 10 }, waits))).toEqual([0, 0]));
});

it.each([
  [0, 75],
  [0.5, 100],
  [1, 125],
])("a time of 100 spread from three to five quarters is, by chance %d, %d", (chance, expected) =>
  expect(spread(100, 0.75, 1.25, () => chance)).toBe(expected),
);
