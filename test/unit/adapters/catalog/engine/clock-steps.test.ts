import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import type { Change } from "../../../../../src/domain/change.js";
import type { ResetPeriod } from "../../../../../src/domain/usage/usage-period.js";
import { usagePeriodAt } from "../../../../../src/domain/usage/usage-period.js";
import { ACME, catalogOf, NOON, open, type OpenedCatalog, usageReport } from "../../../../builders/catalog-use.js";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const daily = () => catalogOf({ entitlements: { calls: { limit: 10, resetPeriod: "DAY" } } });

const used = ({ engine }: OpenedCatalog) => engine.stateOf(ACME).featureUsage("calls").currentUsage;
const report = ({ engine }: OpenedCatalog, value: number, timestamp?: number) =>
  engine.reportUsage([usageReport(ACME, "calls", value, { timestamp })]);

describe("periods of another kind", () => {
  it.each<[string, ResetPeriod | undefined]>([
    ["never end", undefined],
    ["are years", "YEAR"],
    ["are hours", "HOUR"],
  ])("that %s have usage counted, however many days were kept before them", async (_, resetPeriod) => {
    const opened = await open(daily());
    for (let days = 0; days < 8; days++) {
      opened.clock.set(NOON + days * DAY_MS);
      await report(opened, 1);
    }
    opened.engine.replace(
      catalogOf({ entitlements: { calls: resetPeriod === undefined ? 10 : { limit: 10, resetPeriod } } }),
    );
    const before = used(opened);
    for (let value = 1; value <= 3; value++) await report(opened, value);
    expect(used(opened)).toBe(before + 6);
    // What is reported late must not take its place either.
    for (let days = 1; days <= 8; days++) await report(opened, 1, NOON - days * 400 * DAY_MS);
    if (resetPeriod !== undefined) expect(used(opened)).toBe(before + 6);
  });
});

describe("a clock that is set", () => {
  it("back into the period before neither opens that again nor loses what was used since", async () => {
    const opened = await open(daily());
    await report(opened, 10);
    opened.clock.set(NOON + 12 * HOUR_MS);
    await report(opened, 3);
    opened.clock.set(NOON + 12 * HOUR_MS - 2_000);
    expect(used(opened)).toBe(10);
    await report(opened, 1);
    expect(used(opened)).toBe(11);
    opened.clock.set(NOON + 12 * HOUR_MS + 1);
    expect(used(opened)).toBe(3);
  });

  it.each([1, 40, 400, 36_500])("%d days ahead and set right again has lost nothing", async (days) => {
    const opened = await open(daily());
    await report(opened, 7);
    opened.clock.set(NOON + days * DAY_MS);
    expect(used(opened)).toBe(0);
    await report(opened, 2);
    // Whoever knows the time says it, and it counts where it belongs.
    await report(opened, 1, NOON + 1);
    opened.clock.set(NOON + 2);
    expect(used(opened)).toBe(8);
    const [measurement] = await report(opened, 1);
    expect(measurement?.currentUsage).toBe(9);
  });

  it("ahead through many periods, and right again, counts what is reported then", async () => {
    const opened = await open(daily());
    await report(opened, 7);
    for (let days = 1; days <= 8; days++) {
      opened.clock.set(NOON + days * DAY_MS);
      await report(opened, 1);
    }
    opened.clock.set(NOON + 1);
    for (let value = 1; value <= 3; value++) {
      const before = used(opened);
      const [measurement] = await report(opened, value);
      expect(measurement?.currentUsage).toBe(before + value);
      expect(used(opened)).toBe(before + value);
    }
  });

  it("has nobody go on with states of the time ahead", async () => {
    const opened = await open(daily());
    const changes: Change[] = [];
    opened.engine.subscribe((change) => changes.push(change));
    opened.clock.set(NOON + 40 * DAY_MS);
    used(opened);
    opened.clock.set(NOON);
    used(opened);
    expect(changes).toEqual([{ type: "package-published", migration: "ALL_CUSTOMERS" }]);
    opened.clock.set(NOON - 500);
    used(opened);
    expect(changes).toHaveLength(1);
  });

  it("ahead has no credits come back that were drawn from grants which had ended by then", async () => {
    const opened = await open(
      catalogOf(
        { entitlements: { calls: { creditRate: { currency: "ink", amount: 1 } } } },
        {
          creditGrants: [
            { currency: "ink", amount: 10, expiresAt: NOON + DAY_MS },
            { currency: "ink", amount: 5 },
          ],
        },
      ),
    );
    const credits = () => opened.engine.stateOf(ACME).creditUsage("ink").currentUsage;
    await report(opened, 8);
    opened.clock.set(NOON + 2 * DAY_MS);
    await report(opened, 1);
    expect(credits()).toBe(1);
    opened.clock.set(NOON);
    expect(credits()).toBe(9);
  });

  it("forth and back by one period, whatever the period and the order, leaves each with what was reported in it", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom<ResetPeriod>("YEAR", "MONTH", "WEEK", "DAY", "HOUR"),
        fc.array(fc.tuple(fc.integer({ min: -1, max: 2 }), fc.nat(9)), { maxLength: 12 }),
        async (resetPeriod, reports) => {
          const opened = await open(
            catalogOf({ entitlements: { calls: { limit: 10, resetPeriod } } }, { anchor: NOON }),
          );
          let at = NOON;
          const starts: number[] = [usagePeriodAt(NOON, resetPeriod, NOON - 1)?.start ?? NaN];
          for (let index = 0; index < 3; index++) {
            starts.push(at);
            at = usagePeriodAt(NOON, resetPeriod, at)?.end ?? NaN;
          }
          const expected = [0, 0, 0, 0];
          for (const [place, value] of reports) {
            opened.clock.set(starts[place + 1] ?? NaN);
            await report(opened, value);
            expected[place + 1] = (expected[place + 1] ?? 0) + value;
            expect(used(opened)).toBe(expected[place + 1]);
          }
          for (const [place, start] of starts.entries()) {
            opened.clock.set(start);
            expect(used(opened)).toBe(expected[place]);
          }
        },
      ),
    );
  });
});
