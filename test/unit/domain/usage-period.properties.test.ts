import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { usageAt } from "../../../src/domain/usage/usage.js";
import {
  RESET_PERIODS,
  type ResetPeriod,
  type UsagePeriod,
  usagePeriodAt,
} from "../../../src/domain/usage/usage-period.js";
import { resetPeriods, usages } from "../../builders/arbitraries.js";

const RUNS = { numRuns: 2_000 };
const HOUR = 3_600_000;
const DAYS_IN_MONTH = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Any time of these years: the calendar's rules repeat every 400 years. */
const calendarTimestamps = fc.integer({ min: Date.UTC(1600, 0), max: Date.UTC(2400, 0) });
/** Often the last days of a month, and often midnight: there the rules differ. */
const anchors = fc.oneof(
  calendarTimestamps,
  fc
    .record({
      year: fc.integer({ min: 1900, max: 2100 }),
      month: fc.nat({ max: 11 }),
      day: fc.integer({ min: 27, max: 31 }),
    })
    .map(({ year, month, day }) => Date.UTC(year, month, day)),
);

function isLeap(year: number): boolean {
  return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
}

/** The anchor moved by `count` steps, worked out on the fields of the date, one calendar rule at a time. */
function stepped(anchor: number, reset: ResetPeriod, count: number): number {
  if (reset === "HOUR") return anchor + count * HOUR;
  if (reset === "DAY") return anchor + count * 24 * HOUR;
  if (reset === "WEEK") return anchor + count * 7 * 24 * HOUR;
  const [year, month, day] = new Date(anchor).toISOString().slice(0, 10).split("-").map(Number) as [
    number,
    number,
    number,
  ];
  let targetYear = year;
  let targetMonth = month - 1 + count * (reset === "YEAR" ? 12 : 1);
  while (targetMonth > 11) [targetYear, targetMonth] = [targetYear + 1, targetMonth - 12];
  while (targetMonth < 0) [targetYear, targetMonth] = [targetYear - 1, targetMonth + 12];
  const lastDay = targetMonth === 1 && isLeap(targetYear) ? 29 : (DAYS_IN_MONTH[targetMonth] ?? NaN);
  const timeOfDay = ((anchor % (24 * HOUR)) + 24 * HOUR) % (24 * HOUR);
  return Date.UTC(targetYear, targetMonth, Math.min(day, lastDay)) + timeOfDay;
}

/** Walks from the anchor, a step at a time, until it meets `now`. */
function walkedPeriod(anchor: number, reset: ResetPeriod, now: number): UsagePeriod {
  let count = 0;
  while (stepped(anchor, reset, count) > now) count--;
  while (stepped(anchor, reset, count + 1) <= now) count++;
  return { start: stepped(anchor, reset, count), end: stepped(anchor, reset, count + 1) };
}

/** How far from the anchor a walk of a few thousand steps still gets. */
const WALKED: Record<ResetPeriod, number> = {
  HOUR: 1_000 * HOUR,
  DAY: 1_000 * 24 * HOUR,
  WEEK: 1_000 * 7 * 24 * HOUR,
  MONTH: 500 * 30 * 24 * HOUR,
  YEAR: 300 * 365 * 24 * HOUR,
};

describe.each(RESET_PERIODS)("usage periods by %s", (reset) => {
  it("contain now", () => {
    fc.assert(
      fc.property(anchors, calendarTimestamps, (anchor, now) => {
        const { start, end } = usagePeriodAt(anchor, reset, now)!;
        expect(start).toBeLessThanOrEqual(now);
        expect(end).toBeGreaterThan(now);
      }),
      RUNS,
    );
  });

  it("tile: each ends where the next begins, and is the same from its first millisecond to its last", () => {
    fc.assert(
      fc.property(anchors, calendarTimestamps, (anchor, now) => {
        const period = usagePeriodAt(anchor, reset, now)!;
        expect(usagePeriodAt(anchor, reset, period.start)).toEqual(period);
        expect(usagePeriodAt(anchor, reset, period.end - 1)).toEqual(period);
        expect(usagePeriodAt(anchor, reset, period.end)?.start).toBe(period.end);
        expect(usagePeriodAt(anchor, reset, period.start - 1)?.end).toBe(period.start);
      }),
      RUNS,
    );
  });

  it("are those that walking the calendar from the anchor finds", () => {
    const distances = fc.integer({ min: -WALKED[reset], max: WALKED[reset] });
    fc.assert(
      fc.property(anchors, distances, (anchor, distance) => {
        expect(usagePeriodAt(anchor, reset, anchor + distance)).toEqual(walkedPeriod(anchor, reset, anchor + distance));
      }),
      { numRuns: 500 },
    );
  });

  it("begin at the anchor where now is the anchor", () => {
    fc.assert(
      fc.property(anchors, (anchor) => {
        expect(usagePeriodAt(anchor, reset, anchor)?.start).toBe(anchor);
      }),
      RUNS,
    );
  });
});

describe("usage at a time", () => {
  it("reads the same however often it is rolled over to that timestamp", () => {
    fc.assert(
      fc.property(usages, resetPeriods, calendarTimestamps, (usage, reset, now) => {
        const once = usageAt(usage, reset, now);
        expect(usageAt(once, reset, now)).toEqual(once);
      }),
      RUNS,
    );
  });

  it("never is more than was reported, and keeps its anchor and its timestamp", () => {
    fc.assert(
      fc.property(usages, resetPeriods, calendarTimestamps, (usage, reset, now) => {
        const read = usageAt(usage, reset, now);
        expect([0, usage.currentUsage]).toContain(read.currentUsage);
        expect({ anchor: read.periodAnchor, at: read.updatedAt }).toEqual({
          anchor: usage.periodAnchor,
          at: usage.updatedAt,
        });
      }),
      RUNS,
    );
  });
});
