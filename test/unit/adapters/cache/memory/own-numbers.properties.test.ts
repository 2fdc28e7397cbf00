import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import {
  earliestEndIn,
  endIn,
  hasEnds,
  type OwnParts,
  packOwnNumbers,
  updatedAtIn,
  usageIn,
} from "../../../../../src/adapters/cache/memory/own-numbers.js";
import type { Usage } from "../../../../../src/domain/usage/usage.js";
import { optional } from "../../../../builders/arbitraries.js";
import { numbers } from "../../../../builders/numbers.js";

/** Few, so that usages often share a period and often all but share it. */
const marks = optional(fc.constantFrom(1, 2, Date.UTC(2026, 0), NaN, -0, 0));
const usages: fc.Arbitrary<Usage> = fc.record({
  currentUsage: numbers,
  periodAnchor: marks,
  periodStart: marks,
  periodEnd: marks,
  updatedAt: optional(numbers),
});
const ends = fc.oneof(
  fc.array(optional(numbers), { maxLength: 30 }),
  fc.tuple(optional(numbers), fc.nat(30)).map(([end, count]) => new Array<typeof end>(count).fill(end)),
);
const parts: fc.Arbitrary<OwnParts> = fc.record({
  updatedAt: optional(numbers),
  ends,
  usages: fc.array(usages, { maxLength: 30 }),
});

describe("the numbers of a state's own", () => {
  it("are those that it was made from, however many and of whatever kind", () => {
    fc.assert(
      fc.property(parts, ({ updatedAt, ends, usages }) => {
        const own = packOwnNumbers({ updatedAt, ends, usages });
        expect(updatedAtIn(own)).toBe(updatedAt);
        expect(hasEnds(own)).toBe(ends.some((end) => end !== undefined));
        for (const [place, end] of ends.entries()) expect(endIn(own, place)).toBe(end);
        for (const [column, usage] of usages.entries()) expect(usageIn(own, column)).toStrictEqual({ ...usage });
      }),
    );
  });

  it("tell the earliest end", () => {
    fc.assert(
      fc.property(fc.array(optional(fc.nat(9)), { maxLength: 9 }), (some) => {
        const own = packOwnNumbers({ updatedAt: undefined, ends: some, usages: [] });
        expect(earliestEndIn(own)).toBe(Math.min(Infinity, ...some.filter((end) => end !== undefined)));
      }),
    );
  });

  it("are all there of more columns and ends than one unit can count", () => {
    const columns = 7_000;
    const usageOf = (column: number): Usage => ({
      currentUsage: column,
      periodAnchor: undefined,
      periodStart: column % 50 === 0 ? undefined : column % 50,
      periodEnd: column % 50 === 0 ? undefined : 0.5,
      updatedAt: column % 2 === 0 ? undefined : -column,
    });
    const own = packOwnNumbers({
      updatedAt: 1,
      ends: Array.from({ length: 70_000 }, (_, place) => place),
      usages: Array.from({ length: columns }, (_, column) => usageOf(column)),
    });
    expect(own.length).toBeGreaterThan(2 ** 16);
    for (const place of [0, 1, 65_535, 65_536, 69_999]) expect(endIn(own, place)).toBe(place);
    for (const column of [0, 1, 49, 50, 6_553, 6_554, columns - 1])
      expect(usageIn(own, column)).toStrictEqual(usageOf(column));
  });
});
