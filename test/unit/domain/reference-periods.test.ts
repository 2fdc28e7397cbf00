import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { EntitlementResetPeriod, FeatureType, MeterType } from "@stigg/node-server-sdk/dist/models.js";
import { calculateUsagePeriod } from "@stigg/node-server-sdk/dist/services/cache/calculateUsagePeriod.js";
import { EntitlementDecisionService } from "@stigg/node-server-sdk/dist/services/entitlementDecisionService.js";
import fc from "fast-check";
import { decideFeature } from "../../../src/domain/decision/decide-feature.js";
import { type ResetPeriod, type UsagePeriod, usagePeriodAt } from "../../../src/domain/usage/usage-period.js";
import { resetPeriods, times } from "../../builders/arbitraries.js";
import { featureQuery } from "../../builders/queries.js";
import { metered, stateWith } from "../../builders/states.js";

type Cached = NonNullable<Parameters<typeof EntitlementDecisionService.decideEntitlementPolicy>[1]>;

/** The published client's own, in the time zone of this process. */
function theirs(anchor: number, reset: ResetPeriod, now: number) {
  const names: Record<ResetPeriod, EntitlementResetPeriod> = {
    YEAR: EntitlementResetPeriod.Year,
    MONTH: EntitlementResetPeriod.Month,
    WEEK: EntitlementResetPeriod.Week,
    DAY: EntitlementResetPeriod.Day,
    HOUR: EntitlementResetPeriod.Hour,
  };
  const { usagePeriodStart, usagePeriodEnd } = calculateUsagePeriod(new Date(anchor), new Date(now), names[reset]);
  return { start: usagePeriodStart.getTime(), end: usagePeriodEnd.getTime() };
}

let zoneBefore: string | undefined;

beforeAll(() => {
  zoneBefore = process.env["TZ"];
});

afterAll(() => {
  if (zoneBefore === undefined) delete process.env["TZ"];
  else process.env["TZ"] = zoneBefore;
});

function inZone<T>(zone: string, run: () => T): T {
  process.env["TZ"] = zone;
  return run();
}

/** Often at the end of a month, and now often just at, before or after the anchor's time of day. */
const cornerCases = fc
  .record({
    year: fc.integer({ min: 2015, max: 2032 }),
    month: fc.nat({ max: 11 }),
    day: fc.integer({ min: 26, max: 31 }),
    time: fc.oneof(fc.constant(0), fc.nat({ max: 86_399_999 })),
    laterYear: fc.integer({ min: 2015, max: 2032 }),
    laterMonth: fc.nat({ max: 11 }),
    laterDay: fc.integer({ min: 25, max: 32 }),
    off: fc.constantFrom(-1, 0, 1, 3_600_000),
  })
  .map(({ year, month, day, time, laterYear, laterMonth, laterDay, off }) => ({
    anchor: Date.UTC(year, month, day) + time,
    now: Date.UTC(laterYear, laterMonth, laterDay) + time + off,
  }));

describe("in UTC, the published client and this domain find the same usage period", () => {
  it("wherever the anchor, before and after it", () => {
    inZone("UTC", () => {
      expect(new Date(0).getTimezoneOffset()).toBe(0);
      fc.assert(
        fc.property(times, resetPeriods, times, (anchor, reset, now) => {
          const them = theirs(anchor, reset, now);
          if (contains(them, now)) expect(usagePeriodAt(anchor, reset, now)).toEqual(them);
        }),
        { numRuns: 10_000 },
      );
    });
  });

  it("at the ends of months, wherever the published client's period contains now at all", () => {
    inZone("UTC", () => {
      let compared = 0;
      fc.assert(
        fc.property(cornerCases, resetPeriods, ({ anchor, now }, reset) => {
          const them = theirs(anchor, reset, now);
          if (!contains(them, now)) return;
          compared++;
          expect(usagePeriodAt(anchor, reset, now)).toEqual(them);
        }),
        { numRuns: 10_000 },
      );
      expect(compared).toBeGreaterThan(9_000);
    });
  });
});

describe("they differ", () => {
  it.each([
    { anchor: "2020-11-30T19:40Z", now: "2029-07-31T06:53Z", start: "2029-07-30T19:40Z", end: "2029-08-30T19:40Z" },
    { anchor: "2020-02-29T22:29Z", now: "2021-03-31T00:00Z", start: "2021-03-29T22:29Z", end: "2021-04-29T22:29Z" },
  ])("where the published client misses now: months from $anchor, at $now", ({ anchor, now, start, end }) => {
    inZone("UTC", () => {
      const [from, at] = [Date.parse(anchor), Date.parse(now)];
      expect(contains(theirs(from, "MONTH", at), at)).toBe(false);
      expect(usagePeriodAt(from, "MONTH", at)).toEqual({ start: Date.parse(start), end: Date.parse(end) });
    });
  });

  it("on purpose, in time zones: the published client reads calendars in its process's own", () => {
    const [anchor, now] = [Date.UTC(2026, 0, 1, 15, 30), Date.UTC(2026, 2, 10, 10, 5)];
    const inUtc = inZone("UTC", () => theirs(anchor, "DAY", now));
    const inNewYork = inZone("America/New_York", () => theirs(anchor, "DAY", now));
    expect(inNewYork).not.toEqual(inUtc);
    for (const zone of ["UTC", "America/New_York", "Asia/Kolkata"]) {
      expect(inZone(zone, () => usagePeriodAt(anchor, "DAY", now))).toEqual(inUtc);
    }
  });

  it("on purpose, in where periods roll over: here in every check, there not in the decision itself", () => {
    const end = Date.UTC(2026, 1, 15);
    const usage = { currentUsage: 10, periodAnchor: Date.UTC(2026, 0, 15), periodEnd: end };
    const state = stateWith([metered({ usage, resetPeriod: "MONTH" })]);
    const cached = {
      calculatedEntitlement: {
        feature: { id: "seats", featureType: FeatureType.Number, meterType: MeterType.Fluctuating },
        usageLimit: 10,
        hasUnlimitedUsage: false,
        hasSoftLimit: false,
      },
      featureUsage: {
        currentUsage: 10,
        usagePeriodAnchor: usage.periodAnchor,
        usagePeriodEnd: end,
        resetPeriod: EntitlementResetPeriod.Month,
      },
    } as object as Cached;
    expect(EntitlementDecisionService.decideEntitlementPolicy(true, cached, 1).hasAccess).toBe(false);
    expect(decideFeature(state, featureQuery("seats", { requestedUsage: 1 }), end + 1).hasAccess).toBe(true);
  });
});

function contains({ start, end }: UsagePeriod, now: number): boolean {
  return start <= now && now < end;
}
