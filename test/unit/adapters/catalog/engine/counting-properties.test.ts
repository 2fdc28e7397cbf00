import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { contentOf } from "../../../../../src/adapters/catalog/engine/catalog-changes.js";
import type { CatalogEngine } from "../../../../../src/adapters/catalog/engine/catalog-engine.js";
import { CodedError } from "../../../../../src/domain/errors.js";
import type { UsageReport } from "../../../../../src/domain/usage/usage-report.js";
import { ACME, catalogOf, NOON, open, usageReport } from "../../../../builders/catalog-use.js";
import { anyCatalog, anyReport, CATALOG_NOW, CATALOG_SUBJECTS } from "../../../../builders/catalogs.js";

function contents(engine: CatalogEngine): readonly string[] {
  return CATALOG_SUBJECTS.map((subject) => contentOf(engine.stateOf(subject)));
}

/** Whether it was counted. */
async function tryToReport(engine: CatalogEngine, reports: readonly UsageReport[]): Promise<boolean> {
  try {
    await engine.reportUsage(reports);
    return true;
  } catch (error) {
    expect(error).toBeInstanceOf(CodedError);
    return false;
  }
}

describe("whatever is reported", () => {
  it("usage is the sum of all reports, each counted once, and credits are their cost", async () => {
    const amounts = fc.array(fc.record({ value: fc.nat(1000), key: fc.nat(40).map(String), isEarlier: fc.boolean() }));
    await fc.assert(
      fc.asyncProperty(amounts, async (reports) => {
        const terms = { limit: 1, resetPeriod: "MONTH" as const, creditRate: { currency: "ink", amount: 2 } };
        const { engine } = await open(
          catalogOf({ entitlements: { calls: terms } }, { creditGrants: [{ currency: "ink", amount: 300 }] }),
        );
        const firsts = new Map<string, (typeof reports)[number]>();
        for (const report of reports) {
          const first = firsts.get(report.key);
          if (first === undefined) firsts.set(report.key, report);
          const timestamp = report.isEarlier ? NOON - 40 * 86_400_000 : undefined;
          const isCounted = await tryToReport(engine, [
            usageReport(ACME, "calls", report.value, { idempotencyKey: report.key, timestamp }),
          ]);
          // A key that was that of another report is refused.
          expect(isCounted).toBe(first === undefined || first.value === report.value);
        }
        const sum = (counted: Iterable<{ readonly value: number }>) =>
          [...counted].reduce((total, { value }) => total + value, 0);
        const state = engine.stateOf(ACME);
        expect(state.featureUsage("calls").currentUsage).toBe(
          sum([...firsts.values()].filter(({ isEarlier }) => !isEarlier)),
        );
        expect(state.creditUsage("ink").currentUsage).toBe(2 * sum(firsts.values()));
      }),
    );
  });

  it("reports that are repeated change nothing, and a bulk that is refused neither", async () => {
    await fc.assert(
      fc.asyncProperty(
        anyCatalog,
        fc.array(fc.array(anyReport, { minLength: 1, maxLength: 4 }), { maxLength: 10 }),
        async (catalog, bulks) => {
          const { engine } = await open(catalog, CATALOG_NOW);
          for (const bulk of bulks) {
            const before = contents(engine);
            if (!(await tryToReport(engine, bulk))) expect(contents(engine)).toEqual(before);
            const counted = contents(engine);
            await tryToReport(engine, bulk);
            expect(contents(engine)).toEqual(counted);
          }
        },
      ),
    );
  });

  it("neither usage nor what was drawn is ever below none", async () => {
    await fc.assert(
      fc.asyncProperty(anyCatalog, fc.array(anyReport, { maxLength: 20 }), async (catalog, reports) => {
        const { engine } = await open(catalog, CATALOG_NOW);
        for (const report of reports) {
          await tryToReport(engine, [report]);
          for (const subject of CATALOG_SUBJECTS) {
            const state = engine.stateOf(subject);
            for (const { feature } of state.features())
              expect(state.featureUsage(feature.id).currentUsage).toBeGreaterThanOrEqual(0);
            for (const { currency } of state.credits())
              expect(state.creditUsage(currency.currencyId).currentUsage).toBeGreaterThanOrEqual(0);
          }
        }
      }),
    );
  });
});
