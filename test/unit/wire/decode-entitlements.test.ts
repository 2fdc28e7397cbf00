import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { MemoryAccount } from "../../../src/adapters/cache/memory/shared-pool.js";
import { StateCompactor } from "../../../src/adapters/cache/memory/state-compactor.js";
import { type CustomerState, isEmptyState } from "../../../src/domain/customer-state.js";
import { decideCredit } from "../../../src/domain/decision/decide-credit.js";
import { decideFeature } from "../../../src/domain/decision/decide-feature.js";
import { withDefaultTimestamps } from "../../../src/domain/with-default-timestamps.js";
import { decodeEntitlements } from "../../../src/wire/decode-entitlements-state.js";
import type { FieldFault } from "../../../src/wire/fault-log.js";
import { featureQuery } from "../../builders/queries.js";
import { fail } from "../../support/expectations.js";

function decode(list: readonly unknown[]): {
  readonly state: CustomerState | undefined;
  readonly faults: readonly string[];
} {
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
  feature: {
    refId: "seats",
    displayName: "Seats",
    featureType: "NUMBER",
    meterType: "Fluctuating",
    featureUnits: "seat",
    featureUnitsPlural: "seats",
  },
  creditRate: { amount: 2, currencyId: "credits" },
  validUntil: 1_800_000_000_000,
};
const credits = {
  __typename: "CreditEntitlement",
  isGranted: true,
  currency: {
    currencyId: "credits",
    displayName: "Credits",
    unitSingular: "credit",
    unitPlural: "credits",
    additionalMetaData: { color: "blue" },
  },
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
      feature: {
        id: "seats",
        displayName: "Seats",
        featureType: "NUMBER",
        meterType: "Fluctuating",
        units: "seat",
        unitsPlural: "seats",
      },
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
    const older = {
      ...seats,
      __typename: "Entitlement",
      customerId: "c",
      resourceId: null,
      requestedUsage: null,
      requestedValues: null,
      nextResetDate: null,
    };
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
  it("is as old as its newest entitlement", () =>
    expect(decode([seats, credits, sso]).state?.updatedAt).toBe(Date.UTC(2026, 0, 3)));

  it("may be empty", () => expect(decode([]).state?.featureCount).toBe(0));

  it("has the last of those with one id, as the vendor's clients do, and reports the others", () => {
    const revoked = { ...seats, usageLimit: 3, accessDeniedReason: "Revoked" };
    const { state, faults } = decode([seats, credits, sso, revoked, { ...credits, usageLimit: 5 }]);
    expect(state?.feature("seats")).toMatchObject({ usageLimit: 3, accessDeniedReason: "Revoked" });
    expect(state?.credit("credits")).toMatchObject({ usageLimit: 5 });
    expect([state?.featureCount, state?.creditCount]).toEqual([2, 1]);
    expect(faults).toEqual([
      'feature.refId: expected an id that occurs once in the list, found "seats"',
      'currency.currencyId: expected an id that occurs once in the list, found "credits"',
    ]);
  });
});

/** Of a member of an entitlement: what is not its value, and what the field's fault is. */
type Wrong = readonly [field: string, value: unknown, expected: string];

/** With a value that nobody foresaw, of each kind of JSON that a field is not. */
function wrongValues(field: string, isRight: (value: unknown) => boolean): readonly Wrong[] {
  const values = ["SomethingNew", -1, 1.5, true, [], [1], {}, { a: 1 }];
  return values.filter((value) => !isRight(value)).map((value) => [field, value, field]);
}

const isText = (value: unknown) => typeof value === "string";
const isNumber = (value: unknown) => typeof value === "number";
const isFlag = (value: unknown) => typeof value === "boolean";
const isObjectValue = (value: unknown) => typeof value === "object" && !Array.isArray(value);
const never = () => false;

function withField(entitlement: object, path: string, value: unknown): object {
  const [outer = "", inner] = path.split(".");
  if (inner === undefined) return { ...entitlement, [outer]: value };
  const nested = (entitlement as Record<string, object>)[outer];
  return { ...entitlement, [outer]: { ...nested, [inner]: value } };
}

describe("a field that does not decide costs itself alone, and is reported with the entitlement's id", () => {
  const OF_A_FEATURE: readonly Wrong[] = [
    ...wrongValues("resetPeriod", never),
    ...wrongValues("resetPeriodConfiguration", isObjectValue),
    ...wrongValues("resetPeriodConfiguration.monthlyAccordingTo", isText),
    ...wrongValues("creditRate", never),
    ...wrongValues("creditRate.amount", isNumber),
    ...wrongValues("creditRate.currencyId", isText),
    ...wrongValues("enumValues", (value) => Array.isArray(value) && value.length === 0),
    ...wrongValues("validUntil", isNumber),
    ...wrongValues("entitlementUpdatedAt", isNumber),
    ...wrongValues("usageUpdatedAt", isNumber),
    ...wrongValues("usagePeriodAnchor", isNumber),
    ...wrongValues("usagePeriodStart", isNumber),
    ...wrongValues("usagePeriodEnd", isNumber),
    ...wrongValues("feature.displayName", isText),
    ...wrongValues("feature.featureType", never),
    ...wrongValues("feature.meterType", never),
    ...wrongValues("feature.featureUnits", isText),
    ...wrongValues("feature.featureUnitsPlural", isText),
  ];

  it.each(OF_A_FEATURE)("%s: %j", (field, value) => {
    const faults: FieldFault[] = [];
    const state =
      decodeEntitlements([withField(seats, field, value)], undefined, (fault) => faults.push(fault)) ??
      fail("no state");
    expect(faults.map(({ entitlementId }) => entitlementId)).toContain("seats");
    expect(faults.every(({ message }) => message.startsWith(field))).toBe(true);
    expect(decideFeature(state, featureQuery("seats", { kind: "metered", requestedUsage: 2 }), 0)).toMatchObject({
      hasAccess: true,
    });
    expect(decideFeature(state, featureQuery("seats", { kind: "metered", requestedUsage: 3 }), 0)).toMatchObject({
      hasAccess: false,
      accessDeniedReason: "RequestedUsageExceedingLimit",
    });
  });

  const OF_A_WALLET: readonly Wrong[] = [
    ...wrongValues("currency.displayName", isText),
    ...wrongValues("currency.description", isText),
    ...wrongValues("currency.unitSingular", isText),
    ...wrongValues("currency.unitPlural", isText),
    ...wrongValues("currency.additionalMetaData", isObjectValue),
    ...wrongValues("usageUpdatedAt", isNumber),
    ...wrongValues("entitlementUpdatedAt", isNumber),
    ...wrongValues("usagePeriodEnd", isNumber),
    ...wrongValues("validUntil", isNumber),
  ];

  it.each(OF_A_WALLET)("of a wallet: %s: %j", (field, value) => {
    const { state, faults } = decode([withField({ ...credits, hasSoftLimit: false }, field, value)]);
    expect(faults).toHaveLength(1);
    expect(
      decideCredit(state ?? fail("no state"), { currencyId: "credits", requestedUsage: 60, fallback: undefined }),
    ).toMatchObject({ hasAccess: true, remaining: 60 });
  });

  it.each(["SeatPoolEntitlement", 5, {}])("the name of its kind, %j: what it is about shows what it is", (typename) => {
    const { state, faults } = decode([
      { ...seats, __typename: typename },
      { ...credits, __typename: typename },
    ]);
    expect([state?.feature("seats")?.kind, state?.creditCount]).toEqual(["metered", 1]);
    expect(faults).toHaveLength(2);
  });
});

describe("null is as good as nothing", () => {
  const nullable = Object.keys(seats).filter(
    (field) => !["feature", "usageLimit", "currentUsage", "isGranted"].includes(field),
  );

  it.each([...nullable, "feature.displayName", "feature.featureUnits", "feature.featureUnitsPlural"])("%s", (field) => {
    const { state, faults } = decode([withField(seats, field, null)]);
    expect(faults).toEqual([]);
    expect(decideFeature(state ?? fail("no state"), featureQuery("seats", { requestedUsage: 2 }), 0)).toMatchObject({
      hasAccess: true,
    });
  });

  it("and what is not known here is not looked at", () => {
    const { state, faults } = decode([
      {
        ...seats,
        feature: { ...seats.feature, unitTransformation: { divide: "x", round: "SIDEWAYS" } },
        nextThing: {},
      },
    ]);
    expect(faults).toEqual([]);
    expect(state?.feature("seats")?.kind).toBe("metered");
  });
});

describe("a number in a text is that number", () => {
  it.each([
    ["10", 10],
    ["-1", -1],
    ["2.5", 2.5],
    ["1e3", 1_000],
  ])("%j", (text, number) => {
    const { state, faults } = decode([{ ...seats, usageLimit: text, currentUsage: text }]);
    expect(faults).toEqual([]);
    expect([state?.feature("seats")?.usageLimit, state?.featureUsage("seats").currentUsage]).toEqual([number, number]);
  });

  it.each(["", " 10", "10 ", "0x10", "1_000", "10 seats", "NaN", "Infinity", "1e999"])("%j is none", (text) => {
    expect(decode([{ ...seats, usageLimit: text }]).state?.feature("seats")).toBeUndefined();
  });
});

describe("a kind that is not known is told by what else there is", () => {
  it.each<[what: string, entitlement: object, kind: string]>([
    ["a meter", { feature: { refId: "x", featureType: "GAUGE", meterType: "Fluctuating" } }, "metered"],
    ["a meter of a new kind", { feature: { refId: "x", featureType: "NUMBER", meterType: "Peak" } }, "metered"],
    [
      "a meter of a new kind, of a new type",
      { feature: { refId: "x", featureType: "GAUGE", meterType: "Peak" } },
      "metered",
    ],
    ["values", { feature: { refId: "x", featureType: "SET" }, enumValues: ["a"] }, "enum"],
    ["a limit", { feature: { refId: "x", featureType: "DECIMAL" }, usageLimit: 5 }, "numeric"],
    ["no limit at all", { feature: { refId: "x", featureType: "DECIMAL" }, hasUnlimitedUsage: true }, "numeric"],
    ["nothing", { feature: { refId: "x", featureType: "TOGGLE" } }, "boolean"],
    ["nothing, and no type", { feature: { refId: "x" } }, "boolean"],
  ])("%s", (_, entitlement, kind) => {
    const { state, faults } = decode([entitlement]);
    expect(faults.length).toBeGreaterThan(0);
    expect(state?.feature("x")?.kind).toBe(kind);
  });
});

describe("an entitlement of which a field that decides cannot be read is unknown: neither had nor not had", () => {
  const numeric = { feature: { refId: "seats", featureType: "NUMBER", meterType: "None" }, usageLimit: 5 };
  const choice = { feature: { refId: "seats", featureType: "ENUM" }, enumValues: ["a"] };
  const flag = { feature: { refId: "seats", featureType: "BOOLEAN" } };
  const CASES: readonly (readonly [of: string, entitlement: object, wrong: Wrong])[] = [
    ...wrongValues("usageLimit", isNumber).map((wrong) => ["a meter", seats, wrong] as const),
    ...wrongValues("currentUsage", isNumber).map((wrong) => ["a meter", seats, wrong] as const),
    ...wrongValues("hasUnlimitedUsage", isFlag).map((wrong) => ["a meter", seats, wrong] as const),
    ...wrongValues("hasSoftLimit", isFlag).map((wrong) => ["a meter", seats, wrong] as const),
    ...wrongValues("usageLimit", isNumber).map((wrong) => ["a number", numeric, wrong] as const),
    ...wrongValues("enumValues", (value) => Array.isArray(value) && value.length === 0).map(
      (wrong) => ["a choice", choice, wrong] as const,
    ),
    ...[seats, numeric, choice, flag].flatMap((entitlement) =>
      wrongValues("accessDeniedReason", isText).map((wrong) => ["any kind", entitlement, wrong] as const),
    ),
  ];

  it.each(CASES)("%s: %j with %j", (_, entitlement, [field, value]) => {
    const { state, faults } = decode([withField(entitlement, field, value), sso]);
    expect(faults.length).toBeGreaterThan(0);
    const known = state ?? fail("no state");
    expect(decideFeature(known, featureQuery("seats"), 0)).toMatchObject({
      hasAccess: false,
      accessDeniedReason: "Unknown",
      fallback: { hasAccess: false },
    });
    const fallback = { hasAccess: true, usageLimit: 3 };
    expect(decideFeature(known, featureQuery("seats", { fallback }), 0)).toMatchObject({ hasAccess: true, fallback });
    expect(decideFeature(known, featureQuery("seats"), 0, { fallbackOf: () => fallback })).toMatchObject({
      hasAccess: true,
      fallback,
    });
    expect(decideFeature(known, featureQuery("sso"), 0)).toMatchObject({ hasAccess: true, fallback: undefined });
    expect(decideFeature(known, featureQuery("other"), 0)).toMatchObject({
      hasAccess: false,
      accessDeniedReason: "NoFeatureEntitlementInSubscription",
      fallback: undefined,
    });
  });

  it.each([
    ...wrongValues("usageLimit", isNumber),
    ...wrongValues("currentUsage", isNumber),
    ...wrongValues("hasSoftLimit", isFlag),
    ...wrongValues("accessDeniedReason", isText),
  ])("of a wallet: %s: %j", (field, value) => {
    const state = decode([withField({ ...credits, hasSoftLimit: false }, field, value), sso]).state ?? fail("no state");
    const query = { currencyId: "credits", requestedUsage: 1, fallback: undefined };
    expect(decideCredit(state, query)).toMatchObject({
      hasAccess: false,
      accessDeniedReason: "Unknown",
      fallback: { hasAccess: false },
    });
    expect(decideCredit(state, { ...query, currencyId: "other" })).toMatchObject({
      accessDeniedReason: "EntitlementNotFound",
      fallback: undefined,
    });
  });

  it.each<[what: string, fields: object]>([
    ["it has no limit", { hasUnlimitedUsage: true, usageLimit: {}, currentUsage: {} }],
    ["its limit is soft", { hasSoftLimit: true, usageLimit: {}, currentUsage: {} }],
  ])("unless %s", (_, fields) => {
    const state = decode([{ ...seats, ...fields }]).state ?? fail("no state");
    expect(decideFeature(state, featureQuery("seats"), 0)).toMatchObject({ hasAccess: true, fallback: undefined });
  });

  it("unless it is denied, for whatever reason", () => {
    const state =
      decode([{ ...seats, usageLimit: {}, accessDeniedReason: "InventedTomorrow" }]).state ?? fail("no state");
    expect(decideFeature(state, featureQuery("seats"), 0)).toMatchObject({
      hasAccess: false,
      accessDeniedReason: "Unknown",
      fallback: undefined,
    });
  });
});

describe("an entitlement of which nobody can say whose it is", () => {
  const UNIDENTIFIED: readonly (readonly [fault: string, entitlement: unknown])[] = [
    ['feature.refId: expected a non-empty string, found ""', { ...seats, feature: { ...seats.feature, refId: "" } }],
    ["feature.refId: expected a non-empty string, found nothing", { ...seats, feature: { featureType: "BOOLEAN" } }],
    ["feature: expected an object, found nothing", { ...seats, feature: null }],
    ["the whole: expected an object, found null", null],
    ["the whole: expected an object, found a list", [seats]],
    ['the whole: expected an object, found "seats"', "seats"],
  ];

  it.each(UNIDENTIFIED)("may be any feature that is not there otherwise: %s", (fault, entitlement) => {
    const { state, faults } = decode([entitlement, sso]);
    expect(faults).toEqual([fault]);
    const known = state ?? fail("no state");
    expect(decideFeature(known, featureQuery("seats"), 0)).toMatchObject({
      accessDeniedReason: "Unknown",
      fallback: { hasAccess: false },
    });
    expect(decideFeature(known, featureQuery("sso"), 0)).toMatchObject({ hasAccess: true });
  });

  it("may be any wallet, where it is one", () => {
    const state = decode([{ ...credits, currency: {} }, sso]).state ?? fail("no state");
    expect(decideCredit(state, { currencyId: "credits", requestedUsage: 1, fallback: undefined }).fallback).toEqual({
      hasAccess: false,
    });
    expect(decideFeature(state, featureQuery("seats"), 0).fallback).toBeUndefined();
  });

  it("is nobody's where it is of a kind that nobody asks for", () => {
    const { state, faults } = decode([{ __typename: "SeatPoolEntitlement", pool: {} }, sso]);
    expect(faults).toHaveLength(1);
    expect(decideFeature(state ?? fail("no state"), featureQuery("seats"), 0).fallback).toBeUndefined();
  });

  it("makes everything unknown where it is all there is", () => {
    expect(decode([null, {}]).state).toBeUndefined();
  });

  it("has no inherited names", () => {
    expect(
      decode([{ ...seats, feature: { featureType: "BOOLEAN", __proto__: { refId: "inherited" } } }, sso]).state
        ?.featureCount,
    ).toBe(1);
  });
});

describe("what is unknown stays so", () => {
  const state = decode([{ ...seats, usageLimit: {} }, sso]).state ?? fail("no state");

  it.each<[where: string, kept: CustomerState]>([
    ["with other usages", state.withUsages({ features: new Map([["sso", { currentUsage: 1 }]]) })],
    [
      "with timestamps",
      withDefaultTimestamps(decode([{ ...seats, usageLimit: {} }, sso]).state ?? fail("no state"), 5),
    ],
    ["in memory", new StateCompactor(new MemoryAccount()).keep(state)],
    [
      "in memory, with other usages",
      new StateCompactor(new MemoryAccount())
        .keep(state)
        .withUsages({ features: new Map([["sso", { currentUsage: 1 }]]) }),
    ],
  ])("%s", (_, kept) => {
    expect(kept.unknown).toEqual([{ type: "feature", id: "seats" }]);
    expect(decideFeature(kept, featureQuery("seats"), 0).fallback).toEqual({ hasAccess: false });
  });

  it("also where it is all that a state has", () => {
    const alone = decode([{ ...seats, usageLimit: {} }]).state ?? fail("no state");
    expect([isEmptyState(alone), alone.updatedAt]).toEqual([false, Date.UTC(2026, 0, 2)]);
    expect(
      decideFeature(new StateCompactor(new MemoryAccount()).keep(alone), featureQuery("seats"), 0).fallback,
    ).toEqual({ hasAccess: false });
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

  it("every entitlement is either kept or reported", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.string({ minLength: 1 })),
        fc.array(fc.constantFrom(null, 1, {}, { feature: 1 })),
        (ids, bad) => {
          const { state, faults } = decode([
            ...bad,
            sso,
            ...ids.map((id) => ({ feature: { refId: id, featureType: "BOOLEAN" } })),
          ]);
          expect(faults).toHaveLength(bad.length);
          expect(state?.featureCount).toBe(new Set([...ids, "sso"]).size);
        },
      ),
    );
  });
});
