import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { walletGrants } from "../../../../../src/adapters/catalog/engine/draw-credits.js";
import type { CreditGrantInput, CustomerInput } from "../../../../../src/adapters/catalog/file/catalog-input.js";
import { loadCatalogObject } from "../../../../../src/adapters/catalog/file/load-catalog.js";
import {
  ACME,
  answerOf,
  catalogOf,
  NOON,
  open,
  type OpenedCatalog,
  usageReport,
} from "../../../../builders/catalog-use.js";

const DAY_MS = 86_400_000;
type Grant = Omit<CreditGrantInput, "currency" | "amount">;

/** The ids of grants in the order in which they are drawn from. */
function orderOf(grants: readonly Grant[], now = NOON): readonly string[] {
  const creditGrants = grants.map((grant) => ({ currency: "ink", amount: 1, ...grant }));
  const acme = loadCatalogObject(catalogOf({}, { creditGrants })).customers.get("acme");
  if (acme === undefined) throw new Error("there is no acme");
  return walletGrants(acme, "ink", now).active.map(({ key }) => JSON.parse(key.slice("grant ".length)) as string);
}

const withInk = (acme: Omit<CustomerInput, "id">, amount = 0, hasSoftLimit = false) =>
  catalogOf(
    {
      entitlements: { calls: { creditRate: { currency: "ink", amount: 1 } } },
      includedCredits: [
        { currency: "ink", amount, resetPeriod: "MONTH", resetAnchor: "StartOfTheMonth", softLimit: hasSoftLimit },
      ],
    },
    acme,
  );

function wallet({ engine }: OpenedCatalog): { readonly granted: number; readonly used: number } {
  const state = engine.stateOf(ACME);
  return { granted: state.credit("ink")?.usageLimit ?? -1, used: state.creditUsage("ink").currentUsage };
}

describe("grants are drawn from", () => {
  it.each<[string, Grant, Grant]>([
    [
      "by priority, whatever else",
      { priority: 1 },
      { priority: 2, expiresAt: NOON + 1, category: "promotional", effectiveAt: 0, createdAt: 0 },
    ],
    ["with a priority before those without", { priority: 99 }, { expiresAt: NOON + 1 }],
    [
      "the one that expires sooner first",
      { expiresAt: NOON + 1 },
      { expiresAt: NOON + 2, category: "promotional", effectiveAt: 0, createdAt: 0 },
    ],
    ["the one that expires before the one that never does", { expiresAt: NOON + 1 }, { category: "promotional" }],
    [
      "promotional before paid",
      { category: "promotional", effectiveAt: 5, createdAt: 5 },
      { category: "paid", effectiveAt: 0, createdAt: 0 },
    ],
    ["promotional before those that say nothing", { category: "promotional" }, {}],
    ["the one that was effective earlier first", { effectiveAt: 1, createdAt: 5 }, { effectiveAt: 2, createdAt: 0 }],
    ["the one that was created earlier first", { createdAt: 1 }, { createdAt: 2 }],
    ["the one with a time of creation before one without", { createdAt: 1 }, {}],
  ])("%s", (_what, first, second) => {
    expect(
      orderOf([
        { ...first, id: "first" },
        { ...second, id: "second" },
      ]),
    ).toEqual(["first", "second"]);
    expect(
      orderOf([
        { ...second, id: "second" },
        { ...first, id: "first" },
      ]),
    ).toEqual(["first", "second"]);
  });

  it("in the order in which they are written where nothing tells them apart", () => {
    expect(orderOf(["c", "a", "b"].map((id) => ({ id })))).toEqual(["c", "a", "b"]);
  });

  it("in an order that does not depend on how they are written", () => {
    const timestamp = fc.integer({ min: NOON - 3, max: NOON });
    const anyGrant = fc.record(
      {
        priority: fc.constantFrom(1, 2),
        category: fc.constantFrom("paid" as const, "promotional" as const),
        effectiveAt: timestamp,
        expiresAt: fc.constantFrom(NOON + 1, NOON + 2),
        createdAt: timestamp,
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(
        fc.uniqueArray(anyGrant, {
          maxLength: 6,
          selector: (grant) =>
            JSON.stringify([
              grant.priority,
              grant.category ?? "paid",
              grant.effectiveAt,
              grant.expiresAt,
              grant.createdAt,
            ]),
        }),
        (grants) => {
          const named = grants.map((grant, index) => ({ ...grant, id: String(index) }));
          expect(orderOf([...named].reverse())).toEqual(orderOf(named));
        },
      ),
    );
  });

  it("not before they are effective, and the next check knows when they are", async () => {
    const opened = await open(
      withInk({
        creditGrants: [{ currency: "ink", amount: 10, effectiveAt: NOON + DAY_MS, expiresAt: NOON + 2 * DAY_MS }],
      }),
    );
    expect([wallet(opened).granted, answerOf(opened, "calls")]).toEqual([0, "InsufficientCredits"]);
    expect(opened.engine.stateOf(ACME).validUntil).toBe(NOON + DAY_MS);
    opened.clock.advance(DAY_MS);
    expect([wallet(opened).granted, answerOf(opened, "calls")]).toEqual([10, "granted"]);
    opened.clock.advance(DAY_MS);
    expect(wallet(opened).granted).toBe(0);
  });

  it("in fractions to the last digit", async () => {
    const opened = await open(
      withInk({
        creditGrants: [
          { currency: "ink", amount: 0.1 },
          { currency: "ink", amount: 0.2 },
        ],
      }),
    );
    expect(wallet(opened).granted).toBe(0.3);
    await opened.engine.reportUsage([usageReport(ACME, "calls", 0.1)]);
    expect([
      wallet(opened).used,
      answerOf(opened, "calls", ACME, 0.2),
      answerOf(opened, "calls", ACME, 0.20000000000000004),
    ]).toEqual([0.1, "granted", "InsufficientCredits"]);
    await opened.engine.reportUsage([usageReport(ACME, "calls", 0.2)]);
    expect([wallet(opened).used, answerOf(opened, "calls")]).toEqual([0.3, "InsufficientCredits"]);
  });
});

describe("a debt", () => {
  it("is paid by the next grant once, also by one that came and went without a draw", async () => {
    const opened = await open(withInk({}, 10, true));
    await opened.engine.reportUsage([usageReport(ACME, "calls", 15)]);
    expect(wallet(opened)).toEqual({ granted: 10, used: 15 });
    opened.clock.set(Date.UTC(2026, 5, 2));
    expect(wallet(opened)).toEqual({ granted: 10, used: 5 });
    opened.clock.set(Date.UTC(2026, 6, 2));
    expect(wallet(opened)).toEqual({ granted: 10, used: 0 });
    await opened.engine.reportUsage([usageReport(ACME, "calls", 1)]);
    expect(wallet(opened)).toEqual({ granted: 10, used: 1 });
  });

  it("that is larger than the next grant goes on to the one after", async () => {
    const opened = await open(
      withInk(
        { creditGrants: [{ currency: "ink", amount: 4, effectiveAt: NOON + 1_000, expiresAt: NOON + 2_000 }] },
        10,
        true,
      ),
    );
    await opened.engine.reportUsage([usageReport(ACME, "calls", 35)]);
    opened.clock.set(Date.UTC(2026, 6, 2));
    // 35, less 10 in May, 4 of the grant, 10 in June.
    expect(wallet(opened)).toEqual({ granted: 10, used: 11 });
  });
});
