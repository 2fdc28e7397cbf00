import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { CustomerState } from "../../../src/domain/customer-state.js";
import { decodeEntitlements } from "../../../src/wire/decode-entitlements.js";
import type { FieldFault } from "../../../src/wire/field-fault.js";

function decode(list: readonly unknown[]): { readonly state: CustomerState | undefined; readonly faults: readonly string[] } {
  const faults: FieldFault[] = [];
  const state = decodeEntitlements(list, undefined, (fault) => faults.push(fault));
  return { state, faults: faults.map(({ message }) => message) };
}

const seats = {
  __typename: "FeatureEntitlement",
  isGranted: true,
  accessDeniedReason: null,
  usageLimit: 10,
  hasUnlimitedUsage: false,
  hasSoftLimit: false,
  currentUsage: 8,
  enumValues: null,
  entitlementUpdatedAt: "2026-01-02T00:00:00.000Z",
  usageUpdatedAt: 1_767_312_000_001,
  usagePeriodAnchor: "2026-01-01T00:00:00.000Z",
  usagePeriodStart: "2026-01-01T00:00:00.000Z",
  usagePeriodEnd: 1_769_904_000_000,
  resetPeriod: "MONTH",
  resetPeriodConfiguration: { __typename: "MonthlyResetPeriodConfig", monthlyAccordingTo: "SubscriptionStart" },
  feature: { refId: "seats", displayName: "Seats", featureType: "NUMBER", meterType: "Fluctuating", featureUnits: "seat", featureUnitsPlural: "seats" },
  creditRate: { amount: 2, currencyId: "credits" },
  validUntil: 1_800_000_000_000,
};
const credits = {
  __typename: "CreditEntitlement",
  isGranted: true,
  currency: { currencyId: "credits", displayName: "Credits", unitSingular: "credit", unitPlural: "credits", additionalMetaData: { color: "blue" } },
  usageLimit: 100,
  currentUsage: 40,
  hasSoftLimit: true,
  usageUpdatedAt: "2026-01-03T00:00:00.000Z",
  entitlementUpdatedAt: "2026-01-03T00:00:00.000Z",
};
/** The least that an older answer may bring. */
const sso = { feature: { refId: "sso", featureType: "BOOLEAN" } };

describe("a feature entitlement", () => {
  it("is read with everything that a decision needs", () => {
    const { state, faults } = decode([seats]);
    expect(faults).toEqual([]);
    expect(state?.feature("seats")).toEqual({
      feature: { id: "seats", displayName: "Seats", featureType: "NUMBER", meterType: "Fluctuating", units: "seat", unitsPlural: "seats" },
      kind: "metered",
      usageLimit: 10,
      hasUnlimitedUsage: false,
      hasSoftLimit: false,
      enumValues: [],
      accessDeniedReason: undefined,
      validUntil: 1_800_000_000_000,
      creditRate: { amount: 2, currencyId: "credits" },
      resetPeriod: "MONTH",
      resetPeriodConfiguration: "SubscriptionStart",
    });
    expect(state?.featureUsage("seats")).toEqual({
      currentUsage: 8,
      periodAnchor: Date.UTC(2026, 0, 1),
      periodStart: Date.UTC(2026, 0, 1),
      periodEnd: 1_769_904_000_000,
      updatedAt: 1_767_312_000_001,
    });
  });

  it("of the older shape is read the same", () => {
    const older = { ...seats, __typename: "Entitlement", customerId: "c", resourceId: null, requestedUsage: null, requestedValues: null, nextResetDate: null };
    expect(decode([older]).state?.feature("seats")).toEqual(decode([seats]).state?.feature("seats"));
  });

  it("needs no more than its feature", () => expect(decode([sso]).state?.feature("sso")?.kind).toBe("boolean"));

  it.each([
    ["number", "fluctuating"],
    ["Number", "FLUCTUATING"],
  ])("is read however its kinds are written: %s, %s", (featureType, meterType) => {
    const { state } = decode([{ feature: { refId: "seats", featureType, meterType } }]);
    expect(state?.feature("seats")?.kind).toBe("metered");
  });

  it("is denied for a reason that is not known yet as for an unknown one", () => {
    const { state } = decode([{ ...sso, accessDeniedReason: "InventedTomorrow" }]);
    expect(state?.feature("sso")?.accessDeniedReason).toBe("Unknown");
  });
});

describe("a credit entitlement", () => {
  it("is read with everything that a decision needs", () => {
    const { state, faults } = decode([credits]);
    expect(faults).toEqual([]);
    expect(state?.credit("credits")).toEqual({
      currency: {
        currencyId: "credits",
        displayName: "Credits",
        description: undefined,
        unitSingular: "credit",
        unitPlural: "credits",
        additionalMetaData: { color: "blue" },
      },
      usageLimit: 100,
      hasSoftLimit: true,
      accessDeniedReason: undefined,
      validUntil: undefined,
    });
    expect(state?.creditUsage("credits").currentUsage).toBe(40);
  });

  it("is known by its currency where no type is named", () => {
    expect(decode([{ ...credits, __typename: undefined }]).state?.creditCount).toBe(1);
  });
});

describe("a set of entitlements", () => {
  it("is as old as its newest entitlement", () => expect(decode([seats, credits, sso]).state?.updatedAt).toBe(Date.UTC(2026, 0, 3)));

  it("may be empty", () => expect(decode([]).state?.featureCount).toBe(0));
});

describe("what is wrong with one entitlement costs that one, and is told", () => {
  it.each<[fault: string, entitlement: unknown]>([
    ['feature.refId: expected a non-empty string, found ""', { ...seats, feature: { ...seats.feature, refId: "" } }],
    ["feature.refId: expected a non-empty string, found nothing", { ...seats, feature: { featureType: "BOOLEAN" } }],
    ["feature: expected an object, found nothing", { ...seats, feature: null }],
    ["feature.featureType: expected one of BOOLEAN, NUMBER, ENUM, found nothing", { feature: { refId: "x" } }],
    ['feature.featureType: expected one of BOOLEAN, NUMBER, ENUM, found "MATRIX"', { feature: { refId: "x", featureType: "MATRIX" } }],
    ['feature.meterType: expected one of None, Fluctuating, Incremental, found "Daily"', { ...seats, feature: { ...seats.feature, meterType: "Daily" } }],
    ['usageLimit: expected a finite number, found "10"', { ...seats, usageLimit: "10" }],
    ["usageLimit: expected a finite number, found true", { ...seats, usageLimit: true }],
    ["currentUsage: expected a finite number, found an object", { ...seats, currentUsage: {} }],
    ["hasUnlimitedUsage: expected true or false, found 1", { ...seats, hasUnlimitedUsage: 1 }],
    ["enumValues: expected a list of strings, found a list", { ...seats, enumValues: ["a", 1] }],
    ['validUntil: expected an ISO date or epoch milliseconds, found "soon"', { ...seats, validUntil: "soon" }],
    ['resetPeriod: expected one of YEAR, MONTH, WEEK, DAY, HOUR, found "QUARTER"', { ...seats, resetPeriod: "QUARTER" }],
    ["creditRate.amount: expected a finite number, found nothing", { ...seats, creditRate: { currencyId: "credits" } }],
    ["accessDeniedReason: expected a string, found 5", { ...seats, accessDeniedReason: 5 }],
    ["currency.currencyId: expected a non-empty string, found nothing", { ...credits, currency: {} }],
    ["currency.additionalMetaData: expected an object, found a list", { ...credits, currency: { ...credits.currency, additionalMetaData: [] } }],
    ['__typename: expected one of FeatureEntitlement, Entitlement, CreditEntitlement, found "Badge"', { ...seats, __typename: "Badge" }],
    ["the whole: expected an object, found null", null],
    ["the whole: expected an object, found a list", [seats]],
    ['the whole: expected an object, found "seats"', "seats"],
  ])("%s", (fault, entitlement) => {
    const { state, faults } = decode([entitlement, sso]);
    expect(faults).toEqual([fault]);
    expect(state?.featureCount).toBe(1);
    expect(state?.creditCount).toBe(0);
    expect(state?.feature("sso")?.kind).toBe("boolean");
  });

  it("but where nothing of a list can be read, nothing is known", () => {
    expect(decode([null, { ...seats, usageLimit: "10" }]).state).toBeUndefined();
  });

  it("an inherited name is no field", () => {
    expect(decode([{ ...seats, feature: { featureType: "BOOLEAN", __proto__: { refId: "inherited" } } }, sso]).state?.featureCount).toBe(1);
  });
});

describe("whatever comes", () => {
  const garbage = fc.oneof(
    fc.jsonValue(),
    fc.record(
      {
        feature: fc.oneof(fc.jsonValue(), fc.record({ refId: fc.jsonValue(), featureType: fc.jsonValue() })),
        currency: fc.jsonValue(),
        usageLimit: fc.jsonValue(),
        validUntil: fc.jsonValue(),
        __typename: fc.constantFrom("FeatureEntitlement", "CreditEntitlement", "Entitlement", null),
      },
      { requiredKeys: [] },
    ),
  );

  it("never throws, and never loses a good sibling", () => {
    fc.assert(
      fc.property(fc.array(garbage), fc.nat(), (others, at) => {
        const list = [...others];
        list.splice(at % (others.length + 1), 0, { ...sso, feature: { ...sso.feature, refId: "the good one" } });
        expect(decode(list).state?.feature("the good one")?.kind).toBe("boolean");
      }),
    );
  });

  it("every entitlement is either kept or told of", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string({ minLength: 1 })), fc.array(fc.constantFrom(null, 1, {}, { feature: 1 })), (ids, bad) => {
        const { state, faults } = decode([...bad, sso, ...ids.map((id) => ({ feature: { refId: id, featureType: "BOOLEAN" } }))]);
        expect(faults).toHaveLength(bad.length);
        expect(state?.featureCount).toBe(new Set([...ids, "sso"]).size);
      }),
    );
  });
});
