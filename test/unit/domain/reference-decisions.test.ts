import { describe, expect, it } from "@jest/globals";
import { EntitlementDecisionService } from "@stigg/node-server-sdk/dist/services/entitlementDecisionService.js";
import fc from "fast-check";
import { buildCustomerState, type FeatureEntitlementInput } from "../../../src/domain/build-customer-state.js";
import { decideFeature } from "../../../src/domain/decision/decide-feature.js";
import type { FeatureQuery } from "../../../src/domain/decision/decision.js";
import { kindOfFeature } from "../../../src/domain/feature.js";
import { amounts, enumValues, featureEntitlements, optional } from "../../builders/arbitraries.js";
import { featureQuery } from "../../builders/queries.js";
import { boolean, metered, numeric, stateWith, wallet } from "../../builders/states.js";

/** Before any usage period or validity could end: the published client's decision knows no time. */
const NOW = 0;
const RUNS = { numRuns: 10_000 };

type Cached = NonNullable<Parameters<typeof EntitlementDecisionService.decideEntitlementPolicy>[1]>;

/** The entitlement as the published client's cache holds it. */
function asCached({ feature, usage, ...terms }: FeatureEntitlementInput): Cached {
  const calculatedEntitlement = {
    ...terms,
    feature: { id: feature.id, featureType: feature.featureType, meterType: feature.meterType },
    enumValues: terms.enumValues === undefined ? undefined : [...terms.enumValues],
    hasUnlimitedUsage: terms.hasUnlimitedUsage ?? false,
    hasSoftLimit: terms.hasSoftLimit ?? false,
  };
  return { calculatedEntitlement, featureUsage: { currentUsage: usage?.currentUsage ?? 0 } } as object as Cached;
}

function theirs(entitlement: FeatureEntitlementInput | null, query: FeatureQuery, customerExists = true) {
  const cached = entitlement === null ? null : asCached(entitlement);
  const decision = EntitlementDecisionService.decideEntitlementPolicy(customerExists, cached, query.requestedUsage, [
    ...query.requestedValues,
  ]);
  return { hasAccess: decision.hasAccess, reason: decision.accessDeniedReason as string | undefined };
}

function ours(entitlement: FeatureEntitlementInput | null, query: FeatureQuery) {
  const state = buildCustomerState({ features: entitlement === null ? [] : [entitlement] });
  const decision = decideFeature(state, query, NOW);
  return { hasAccess: decision.hasAccess, reason: decision.accessDeniedReason };
}

const entitlements = featureEntitlements(fc.constant("f"));
const queries = fc
  .record({ requestedUsage: optional(amounts), requestedValues: enumValues })
  .map((parts) => featureQuery("f", parts));

/** Where the published client checks usage of a number that nothing meters. */
const lacksAMeter = ({ feature }: FeatureEntitlementInput) =>
  feature.featureType === "NUMBER" && feature.meterType === undefined;

describe("the published client and this domain decide alike", () => {
  it("on entitlements of every kind", () => {
    fc.assert(
      fc.property(
        entitlements.filter((entitlement) => !lacksAMeter(entitlement)),
        queries,
        (entitlement, query) => {
          expect(ours(entitlement, query)).toEqual(theirs(entitlement, query));
        },
      ),
      RUNS,
    );
  });

  it("on usage close to a limit", () => {
    const close = fc.record({
      limit: fc.option(amounts, { nil: null }),
      used: amounts,
      off: fc.constantFrom(-1, -0.25, 0, 0.25, 1),
    });
    fc.assert(
      fc.property(close, ({ limit, used, off }) => {
        const entitlement = metered({ id: "f", usageLimit: limit, used });
        // The published client lets a request below 0 give room; here the edge refuses it.
        const query = featureQuery("f", { requestedUsage: Math.max(0, (limit ?? 0) - used + off) });
        expect(ours(entitlement, query)).toEqual(theirs(entitlement, query));
      }),
      RUNS,
    );
  });

  it("on a feature that the customer does not have", () => {
    fc.assert(
      fc.property(queries, (query) => {
        expect(ours(null, query)).toEqual(theirs(null, query));
      }),
      { numRuns: 200 },
    );
  });

  it("on every kind, in the typed call of that kind", () => {
    fc.assert(
      fc.property(
        entitlements.filter((entitlement) => !lacksAMeter(entitlement)),
        queries,
        (entitlement, query) => {
          const typed = { ...query, kind: kindOfFeature(entitlement.feature) };
          expect(ours(entitlement, typed)).toEqual(theirs(entitlement, query));
        },
      ),
      RUNS,
    );
  });

  it("on a customer that does not exist, whose empty state has that reason", () => {
    const state = stateWith([], { accessDeniedReason: "CustomerNotFound" });
    const decision = decideFeature(state, featureQuery("f"), NOW);
    expect({ hasAccess: decision.hasAccess, reason: decision.accessDeniedReason }).toEqual(
      theirs(null, featureQuery("f"), false),
    );
  });
});

describe("they differ on purpose", () => {
  it("on numbers without a meter: granted whatever their usage, where the published client checks it", () => {
    const unmetered: FeatureEntitlementInput = {
      feature: { id: "f", featureType: "NUMBER" },
      usageLimit: 5,
      usage: { currentUsage: 4 },
    };
    const query = featureQuery("f", { requestedUsage: 2 });
    expect(theirs(unmetered, query)).toEqual({ hasAccess: false, reason: "RequestedUsageExceedingLimit" });
    expect(ours(unmetered, query)).toEqual({ hasAccess: true, reason: undefined });
    expect(theirs(numeric({ id: "f", usageLimit: 5 }), query).hasAccess).toBe(true);
  });

  it("on numbers without a meter, and only where the published client finds the usage too high", () => {
    fc.assert(
      fc.property(entitlements.filter(lacksAMeter), queries, (entitlement, query) => {
        const [us, them] = [ours(entitlement, query), theirs(entitlement, query)];
        if (them.reason === "RequestedUsageExceedingLimit")
          expect(us.hasAccess || us.reason === them.reason).toBe(true);
        else expect(us).toEqual(them);
      }),
      RUNS,
    );
  });

  it("on an empty list, which the state explains: the published client takes each for an unknown customer", () => {
    const archived = stateWith([], { accessDeniedReason: "CustomerIsArchived" });
    expect(theirs(null, featureQuery("f"), false).reason).toBe("CustomerNotFound");
    expect(decideFeature(archived, featureQuery("f"), NOW).accessDeniedReason).toBe("CustomerIsArchived");
  });

  it("on credits: the cached wallet decides, where the published client knows only what was reported to it", () => {
    const query = featureQuery("f", { requestedUsage: 1 });
    const creditRate = { amount: 2, currencyId: "credits" };
    const received = boolean({ id: "f", creditRate, accessDeniedReason: "InsufficientCredits" });
    expect(theirs(received, query).hasAccess).toBe(false);
    expect(decideFeature(stateWith([received], { credits: [wallet()] }), query, NOW).hasAccess).toBe(true);
    const notReported = boolean({ id: "f", creditRate });
    expect(theirs(notReported, query).hasAccess).toBe(true);
    expect(
      decideFeature(stateWith([notReported], { credits: [wallet({ used: 100 })] }), query, NOW).accessDeniedReason,
    ).toBe("InsufficientCredits");
  });

  it.each([NaN, -Infinity])(
    "on a requested usage of %s, which the published client lets through and an edge here refuses",
    (requestedUsage) => {
      // The domain is never asked such a thing; asked, it still says no more than arithmetic does.
      const query = featureQuery("f", { requestedUsage });
      expect(ours(metered({ id: "f" }), query)).toEqual(theirs(metered({ id: "f" }), query));
    },
  );
});
