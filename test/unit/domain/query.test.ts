import { describe, expect, it } from "@jest/globals";
import {
  buildCustomerState,
  creditQuery,
  decideCredit,
  decideFeature,
  featureQuery,
} from "../../../src/public/domain.js";

const state = buildCustomerState({
  features: [
    {
      feature: { id: "seats", featureType: "NUMBER", meterType: "Fluctuating" },
      usageLimit: 10,
      usage: { currentUsage: 8 },
    },
    { feature: { id: "regions", featureType: "ENUM" }, enumValues: ["eu", "us"] },
  ],
});
const NOW = Date.UTC(2026, 0, 1);

describe("a query with defaults", () => {
  it.each([
    [featureQuery("seats"), true, undefined],
    [featureQuery("seats", { requestedUsage: 2 }), true, undefined],
    [featureQuery("seats", { requestedUsage: 3 }), false, "RequestedUsageExceedingLimit"],
    [featureQuery("seats", { kind: "boolean" }), false, "FeatureTypeMismatch"],
    [featureQuery("regions", { requestedValues: ["eu"] }), true, undefined],
    [featureQuery("regions", { requestedValues: ["mars"] }), false, "RequestedValuesMismatch"],
    [featureQuery("other"), false, "NoFeatureEntitlementInSubscription"],
    [featureQuery("other", { fallback: { hasAccess: true }, fallbackWhenUnknown: true }), true, "Unknown"],
  ])("%j", (query, hasAccess, accessDeniedReason) => {
    expect(decideFeature(state, query, NOW)).toMatchObject({ hasAccess, accessDeniedReason });
  });

  it("asks for any credits at all where nothing is requested", () => {
    expect(decideCredit(state, creditQuery("ink"))).toMatchObject({
      hasAccess: false,
      accessDeniedReason: "EntitlementNotFound",
    });
    expect(creditQuery("ink", { requestedUsage: 3 })).toEqual({
      currencyId: "ink",
      requestedUsage: 3,
      fallback: undefined,
    });
  });
});
