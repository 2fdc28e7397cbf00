import { describe, expect, it } from "@jest/globals";
import { decideFeature } from "../../../src/domain/decision/decide-feature.js";
import { featureQuery } from "../../builders/queries.js";
import { boolean, enumerated, metered, type MeteredTerms, numeric, stateWith } from "../../builders/states.js";

const NOW = Date.UTC(2026, 2, 10);

describe("rule 5: a boolean feature", () => {
  it("is granted, whatever is requested of it", () => {
    const state = stateWith([boolean()]);
    for (const asked of [{}, { requestedUsage: 1e9 }, { requestedValues: ["z"] }]) {
      expect(decideFeature(state, featureQuery("sso", asked), NOW)).toMatchObject({
        hasAccess: true,
        accessDeniedReason: undefined,
        usage: undefined,
      });
    }
  });
});

describe("rule 6: an enum feature that allows a and b", () => {
  const rows: { requested: string[]; allowed?: string[]; isGranted: boolean }[] = [
    { requested: [], isGranted: true },
    { requested: ["a"], isGranted: true },
    { requested: ["a", "b"], isGranted: true },
    { requested: ["b", "a", "b"], isGranted: true },
    { requested: ["c"], isGranted: false },
    { requested: ["a", "c"], isGranted: false },
    { requested: ["A"], isGranted: false },
    { requested: [""], isGranted: false },
    { requested: [], allowed: [], isGranted: true },
    { requested: ["a"], allowed: [], isGranted: false },
  ];

  it.each(rows)("requested $requested of $allowed: granted $isGranted", ({ requested, allowed, isGranted }) => {
    const state = stateWith([enumerated(allowed === undefined ? {} : { enumValues: allowed })]);
    expect(
      decideFeature(state, featureQuery("regions", { kind: "enum", requestedValues: requested }), NOW),
    ).toMatchObject({
      hasAccess: isGranted,
      accessDeniedReason: isGranted ? undefined : "RequestedValuesMismatch",
      entitlement: { enumValues: allowed ?? ["a", "b"] },
      fallback: undefined,
    });
  });
});

describe("rule 7: a numeric feature", () => {
  it.each([
    { terms: { usageLimit: 30 }, limit: 30, isUnlimited: false },
    { terms: { usageLimit: 0 }, limit: 0, isUnlimited: false },
    { terms: { usageLimit: null }, limit: undefined, isUnlimited: false },
    { terms: { usageLimit: undefined }, limit: undefined, isUnlimited: false },
    { terms: { hasUnlimitedUsage: true }, limit: undefined, isUnlimited: true },
  ])("$terms is granted and tells its value", ({ terms, limit, isUnlimited }) => {
    const decision = decideFeature(
      stateWith([numeric(terms)]),
      featureQuery("retention-days", { kind: "numeric", requestedUsage: 99 }),
      NOW,
    );
    expect(decision).toMatchObject({ hasAccess: true, accessDeniedReason: undefined, usage: undefined });
    expect(decision.entitlement?.usageLimit).toBe(limit);
    expect(decision.entitlement?.hasUnlimitedUsage).toBe(isUnlimited);
  });

  it("is granted whatever was used of it", () => {
    const withUsage = { ...numeric({ usageLimit: 5 }), usage: { currentUsage: 100 } };
    expect(decideFeature(stateWith([withUsage]), featureQuery("retention-days"), NOW).hasAccess).toBe(true);
  });
});

describe("rules 8 and 9: a metered feature with a limit of 10", () => {
  const rows: { terms?: MeteredTerms; requested?: number; isGranted: boolean }[] = [
    { requested: -100, isGranted: true },
    { requested: -1, isGranted: true },
    { requested: 0, isGranted: true },
    { requested: 1, isGranted: true },
    { requested: 2, isGranted: true },
    { requested: 3, isGranted: false },
    { requested: 2.5, isGranted: false },
    { isGranted: true },
    { terms: { used: 10 }, requested: 0, isGranted: true },
    { terms: { used: 10 }, isGranted: true },
    { terms: { used: 10 }, requested: 1, isGranted: false },
    { terms: { used: 12 }, requested: 0, isGranted: false },
    { terms: { used: 12 }, isGranted: false },
    // Less than nothing is nothing: it makes no room.
    { terms: { used: 12 }, requested: -2, isGranted: false },
    { terms: { used: 9 }, requested: -2, isGranted: true },
    { terms: { used: 0 }, requested: NaN, isGranted: false },
    { terms: { used: 0 }, requested: Infinity, isGranted: false },
    { terms: { used: 0.1, usageLimit: 0.3 }, requested: 0.2, isGranted: true },
    { terms: { used: 2.2, usageLimit: 3.3 }, requested: 1.1, isGranted: true },
    { terms: { used: 2.2, usageLimit: 3.3 }, requested: 1.1000000000000003, isGranted: false },
    { terms: { used: 12 }, requested: -1, isGranted: false },
    { terms: { used: 0, usageLimit: null }, requested: 0, isGranted: true },
    { terms: { used: 0, usageLimit: null }, isGranted: true },
    { terms: { used: 0, usageLimit: null }, requested: 1, isGranted: false },
    { terms: { used: 0, usageLimit: undefined }, requested: 1, isGranted: false },
    { terms: { used: 0, usageLimit: 0 }, requested: 0, isGranted: true },
    { terms: { used: 0, usageLimit: 0 }, requested: 1, isGranted: false },
    { terms: { used: -5, usageLimit: 0 }, requested: 5, isGranted: true },
    { terms: { hasSoftLimit: true }, requested: 3, isGranted: true },
    { terms: { hasSoftLimit: true, used: 1000 }, requested: 1000, isGranted: true },
    { terms: { hasSoftLimit: true, usageLimit: null }, requested: 1, isGranted: true },
    { terms: { hasUnlimitedUsage: true }, requested: 3, isGranted: true },
    { terms: { hasUnlimitedUsage: true, usageLimit: null, used: 1e12 }, requested: 1e12, isGranted: true },
  ];
  const bothMeters = rows.flatMap((row) =>
    (["Fluctuating", "Incremental"] as const).map((meterType) => ({ ...row, meterType })),
  );

  it.each(bothMeters)(
    "$meterType $terms, requested $requested: granted $isGranted",
    ({ terms, meterType, requested, isGranted }) => {
      const state = stateWith([metered({ ...terms, meterType })]);
      expect(
        decideFeature(state, featureQuery("seats", { kind: "metered", requestedUsage: requested }), NOW),
      ).toMatchObject({
        hasAccess: isGranted,
        accessDeniedReason: isGranted ? undefined : "RequestedUsageExceedingLimit",
        usage: { currentUsage: terms?.used ?? 8 },
        fallback: undefined,
      });
    },
  );

  it("reads as used 0 where no usage was ever reported", () => {
    const state = stateWith([
      { feature: { id: "seats", featureType: "NUMBER", meterType: "Incremental" }, usageLimit: 1 },
    ]);
    expect(decideFeature(state, featureQuery("seats", { requestedUsage: 1 }), NOW)).toMatchObject({
      hasAccess: true,
      usage: { currentUsage: 0 },
    });
    expect(decideFeature(state, featureQuery("seats", { requestedUsage: 2 }), NOW).hasAccess).toBe(false);
  });
});
