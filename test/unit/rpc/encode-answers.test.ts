import { create, toJson, type DescMessage, type JsonValue, type MessageShape } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { encodeCredit, encodeCreditFallback } from "../../../src/adapters/rpc/encode-credit.js";
import { encodeCreditDecisionV2, encodeFeatureDecision, encodeFeatureDecisionV2 } from "../../../src/adapters/rpc/encode-decision.js";
import { encodeEntitlement } from "../../../src/adapters/rpc/encode-entitlement.js";
import { encodeFeature } from "../../../src/adapters/rpc/encode-feature.js";
import { encodeList, encodeListV2 } from "../../../src/adapters/rpc/encode-list.js";
import { encodeReason } from "../../../src/adapters/rpc/encode-reason.js";
import {
  encodeBooleanDecision,
  encodeEnumDecision,
  encodeMeteredDecision,
  encodeNumericDecision,
} from "../../../src/adapters/rpc/encode-typed-decision.js";
import {
  AccessDeniedReason,
  CreditEntitlementSchema,
  EntitlementFeatureSchema,
  EntitlementSchema,
  GetBooleanEntitlementResponseSchema,
  GetEntitlementResponseSchema,
  GetEntitlementsResponseSchema,
  GetEntitlementsStateV2ResponseSchema,
  GetEntitlementV2ResponseSchema,
  GetEnumEntitlementResponseSchema,
  GetMeteredEntitlementResponseSchema,
  GetNumericEntitlementResponseSchema,
} from "../../../src/adapters/rpc/gen/stigg/sidecar/v1/sidecar_pb.js";
import { ACCESS_DENIED_REASONS } from "../../../src/domain/access-denied-reason.js";
import { decideCredit } from "../../../src/domain/decide-credit.js";
import { decideFeatureWithoutState } from "../../../src/domain/decide-feature.js";
import type { FeatureQuery } from "../../../src/domain/decision.js";
import type { FallbackValues } from "../../../src/domain/fallback.js";
import type { Feature } from "../../../src/domain/feature.js";
import type { Usage } from "../../../src/domain/usage.js";
import { buildCustomerState, type FeatureEntitlementInput } from "../../../src/domain/build-customer-state.js";
import { boolean, enumerated, metered, numeric, stateWith, wallet } from "../../builders/states.js";

const json = <D extends DescMessage>(schema: D, message: MessageShape<D>): JsonValue => toJson(schema, message);
const QUERY: FeatureQuery = { featureId: "x", kind: undefined, requestedUsage: undefined, requestedValues: [], fallback: undefined, fallbackWhenUnknown: false };

function encoded(input: FeatureEntitlementInput, usage?: Usage): JsonValue {
  const entitlement = stateWith([input]).feature(input.feature.id)!;
  return json(EntitlementSchema, create(EntitlementSchema, { entitlement: encodeEntitlement(entitlement, usage) }));
}

describe("a feature", () => {
  test.each<[Feature, JsonValue]>([
    [{ id: "a", featureType: "BOOLEAN" }, { id: "a", featureType: "FEATURE_TYPE_BOOLEAN" }],
    [{ id: "a", featureType: "ENUM" }, { id: "a", featureType: "FEATURE_TYPE_ENUM" }],
    [{ id: "a", featureType: "NUMBER" }, { id: "a", featureType: "FEATURE_TYPE_NUMBER" }],
    [{ id: "a", featureType: "NUMBER", meterType: "None" }, { id: "a", featureType: "FEATURE_TYPE_NUMBER", meterType: "METER_TYPE_NONE" }],
    [{ id: "a", featureType: "NUMBER", meterType: "Fluctuating" }, { id: "a", featureType: "FEATURE_TYPE_NUMBER", meterType: "METER_TYPE_FLUCTUATING", isMetered: true }],
    [{ id: "a", featureType: "NUMBER", meterType: "Incremental", units: "call", unitsPlural: "" }, { id: "a", featureType: "FEATURE_TYPE_NUMBER", meterType: "METER_TYPE_INCREMENTAL", isMetered: true, units: "call", unitsPlural: "" }],
  ])("%j", (feature, expected) => {
    expect(json(EntitlementFeatureSchema, encodeFeature(feature))).toEqual(expected);
    expect(encodeFeature(feature)).toBe(encodeFeature(feature));
  });
});

test("every reason has its own place on the wire", () => {
  const wire = ACCESS_DENIED_REASONS.map(encodeReason);
  expect(new Set(wire).size).toBe(ACCESS_DENIED_REASONS.length);
  expect(wire).not.toContain(AccessDeniedReason.UNSPECIFIED);
  expect(encodeReason(undefined)).toBeUndefined();
});

describe("a number on the wire is a whole one of 32 bits", () => {
  test.each([
    [0, 0],
    [-0, 0],
    [2.9, 2],
    [-2.9, -2],
    [2 ** 31 - 1, 2147483647],
    [2 ** 31, 2147483647],
    [-(2 ** 31), -2147483648],
    [-(2 ** 40), -2147483648],
    [Infinity, 2147483647],
    [NaN, undefined],
    [null, undefined],
  ])("%d is %d", (usageLimit, value) => {
    expect(encoded(numeric({ usageLimit }))).toEqual({
      numeric: { feature: { id: "retention-days", featureType: "FEATURE_TYPE_NUMBER", meterType: "METER_TYPE_NONE" }, ...(value === undefined ? {} : { value }) },
    });
  });
});

describe("a metered entitlement", () => {
  const FEATURE = { id: "seats", featureType: "FEATURE_TYPE_NUMBER", meterType: "METER_TYPE_FLUCTUATING", isMetered: true };

  test.each(["YEAR", "MONTH", "WEEK", "DAY", "HOUR"] as const)("that is reset each %s tells its period, and its end twice", (resetPeriod) => {
    const usage = { currentUsage: 8.25, periodAnchor: 0, periodStart: 1_500, periodEnd: -1 };
    expect(encoded(metered({ resetPeriod, usageLimit: 10.5 }), usage)).toEqual({
      metered: {
        feature: FEATURE,
        usageLimit: 10.5,
        currentUsage: 8.25,
        hasSoftLimit: false,
        resetPeriod: `ENTITLEMENT_RESET_PERIOD_${resetPeriod}`,
        nextResetDate: "1969-12-31T23:59:59.999Z",
        usagePeriodAnchor: "1970-01-01T00:00:00Z",
        usagePeriodStart: "1970-01-01T00:00:01.500Z",
        usagePeriodEnd: "1969-12-31T23:59:59.999Z",
      },
    });
  });

  test.each([NaN, Infinity, Date.UTC(10_000, 0, 1), -62_135_596_800_001])("leaves out a moment that cannot be told: %d", (moment) => {
    const usage = { currentUsage: 1, periodStart: moment, periodEnd: moment };
    expect(encoded(metered(), usage)).toEqual({ metered: { feature: FEATURE, usageLimit: 10, currentUsage: 1, hasSoftLimit: false } });
  });

  test.each([Date.UTC(9_999, 11, 31, 23, 59, 59, 999), -62_135_596_800_000])("tells the first and the last moment: %d", (moment) => {
    expect(encoded(metered(), { currentUsage: 1, periodEnd: moment })).toMatchObject({ metered: { usagePeriodEnd: new Date(moment).toISOString().replace("00.000Z", "00Z") } });
  });
});

describe("an answer to a typed check", () => {
  const granted = (input: FeatureEntitlementInput) => {
    const state = stateWith([input]);
    const entitlement = state.feature(input.feature.id)!;
    return { hasAccess: true, accessDeniedReason: undefined, entitlement, usage: undefined, fallback: undefined };
  };
  const unknown = { hasAccess: false, accessDeniedReason: "CustomerNotFound", entitlement: undefined, usage: undefined, fallback: undefined } as const;

  test("of what is known", () => {
    expect(json(GetBooleanEntitlementResponseSchema, encodeBooleanDecision(granted(boolean()), QUERY))).toEqual({ hasAccess: true, entitlement: { feature: { id: "sso", featureType: "FEATURE_TYPE_BOOLEAN" } } });
    expect(json(GetNumericEntitlementResponseSchema, encodeNumericDecision(granted(numeric({ usageLimit: 7 })), QUERY))).toMatchObject({ hasAccess: true, entitlement: { value: 7 } });
    expect(json(GetMeteredEntitlementResponseSchema, encodeMeteredDecision(granted(metered()), { ...QUERY, requestedUsage: 0.5 }))).toMatchObject({ requestedUsage: 0.5, entitlement: { usageLimit: 10 } });
    expect(json(GetEnumEntitlementResponseSchema, encodeEnumDecision(granted(enumerated()), { ...QUERY, requestedValues: ["a"] }))).toMatchObject({ requestedValues: ["a"], entitlement: { enumValues: ["a", "b"] } });
  });

  test("of what is not known has no entitlement", () => {
    const denied = { accessDeniedReason: "ACCESS_DENIED_REASON_CUSTOMER_NOT_FOUND" };
    expect(json(GetBooleanEntitlementResponseSchema, encodeBooleanDecision(unknown, QUERY))).toEqual(denied);
    expect(json(GetNumericEntitlementResponseSchema, encodeNumericDecision(unknown, QUERY))).toEqual(denied);
    expect(json(GetMeteredEntitlementResponseSchema, encodeMeteredDecision(unknown, QUERY))).toEqual(denied);
    expect(json(GetEnumEntitlementResponseSchema, encodeEnumDecision(unknown, { ...QUERY, requestedValues: ["a"] }))).toEqual({ ...denied, requestedValues: ["a"] });
  });

  test.each([
    [undefined, 1],
    [0, 0],
    [5, 5],
  ])("a metered fallback repeats the usage that was requested, and 1 for none: %d is %d", (requestedUsage, expected) => {
    const query = { ...QUERY, requestedUsage };
    expect(encodeMeteredDecision(decideFeatureWithoutState(query), query).requestedUsage).toBe(expected);
  });

  test("a fallback keeps its reason even where it grants", () => {
    const query = { ...QUERY, fallback: { hasAccess: true } };
    expect(json(GetBooleanEntitlementResponseSchema, encodeBooleanDecision(decideFeatureWithoutState(query), query))).toEqual({
      hasAccess: true,
      isFallback: true,
      accessDeniedReason: "ACCESS_DENIED_REASON_UNKNOWN",
      entitlement: { feature: { id: "x" } },
    });
  });
});

describe("a fallback of no given kind", () => {
  const FEATURE = { id: "x" };
  test.each<[string, FallbackValues, Partial<FeatureQuery>, JsonValue]>([
    ["nothing", { hasAccess: true }, {}, { boolean: { feature: FEATURE } }],
    ["a value", { hasAccess: true, value: 2 ** 40 }, {}, { numeric: { feature: FEATURE, value: 2147483647 } }],
    ["values", { hasAccess: true, enumValues: ["a"], value: 1 }, {}, { enum: { feature: FEATURE, enumValues: ["a"] } }],
    ["a request for values", { hasAccess: true }, { requestedValues: ["a"] }, { enum: { feature: FEATURE } }],
    ["a limit", { hasAccess: true, usageLimit: 3, enumValues: ["a"] }, {}, { metered: { feature: FEATURE, usageLimit: 3, hasSoftLimit: false } }],
    ["a request for usage", { hasAccess: true, isUnlimited: true }, { requestedUsage: 0 }, { metered: { feature: FEATURE, isUnlimited: true, hasSoftLimit: false } }],
  ])("given %s", (_, fallback, requested, entitlement) => {
    const query = { ...QUERY, ...requested, fallback };
    const decision = decideFeatureWithoutState(query);
    const unknown = { accessDeniedReason: "ACCESS_DENIED_REASON_UNKNOWN" };
    expect(json(GetEntitlementResponseSchema, encodeFeatureDecision(decision, query))).toEqual({ hasAccess: true, isFallback: true, ...unknown, ...(entitlement as object) });
    expect(json(GetEntitlementV2ResponseSchema, encodeFeatureDecisionV2(decision, query))).toEqual({ entitlement: { hasAccess: true, isFallback: true, ...(entitlement as object) } });
  });

  test("one that denies says why in both generations", () => {
    const decision = decideFeatureWithoutState(QUERY);
    expect(encodeFeatureDecision(decision, QUERY).accessDeniedReason).toBe(AccessDeniedReason.UNKNOWN);
    expect(encodeFeatureDecisionV2(decision, QUERY).entitlement?.accessDeniedReason).toBe(AccessDeniedReason.UNKNOWN);
  });
});

describe("a wallet", () => {
  const decide = (terms: Parameters<typeof wallet>[0], requestedUsage?: number) => {
    const query = { currencyId: "credits", requestedUsage, fallback: undefined };
    return encodeCreditDecisionV2(decideCredit(buildCustomerState({ credits: [wallet(terms)] }), query), query);
  };

  test("tells what remains, also where it denies", () => {
    expect(json(GetEntitlementV2ResponseSchema, decide({ used: 40, usageLimit: 100 }, 61))).toEqual({
      entitlement: {
        accessDeniedReason: "ACCESS_DENIED_REASON_INSUFFICIENT_CREDITS",
        credit: { currency: { currencyId: "credits", displayName: "credits" }, usageLimit: 100, currentUsage: 40, remaining: 60 },
      },
    });
  });

  test("a fallback leaves all of its limit, and 0 without one", () => {
    const wire = (fallback: FallbackValues) => json(CreditEntitlementSchema, encodeCreditFallback("c", fallback));
    expect(wire({ hasAccess: true, usageLimit: 9 })).toEqual({ currency: { currencyId: "c" }, usageLimit: 9, remaining: 9 });
    expect(wire({ hasAccess: true })).toEqual({ currency: { currencyId: "c" } });
  });

  test("meta data that JSON cannot hold is null", () => {
    const currency = { currencyId: "c", displayName: "C", additionalMetaData: { rate: Infinity, list: [1, "a", { deep: NaN }] } };
    const state = buildCustomerState({ credits: [{ currency, usageLimit: 1 }] });
    const decision = decideCredit(state, { currencyId: "c", requestedUsage: undefined, fallback: undefined });
    expect(json(CreditEntitlementSchema, encodeCredit(decision)!)).toMatchObject({ currency: { additionalMetaData: { rate: null, list: [1, "a", { deep: null }] } } });
  });
});

test("a list of nothing says why, in both generations", () => {
  const list = { features: [], credits: [], fallbacks: undefined, accessDeniedReason: "NoActiveSubscription" } as const;
  const expected = { accessDeniedReason: "ACCESS_DENIED_REASON_NO_ACTIVE_SUBSCRIPTION" };
  expect(json(GetEntitlementsResponseSchema, encodeList(list))).toEqual(expected);
  expect(json(GetEntitlementsStateV2ResponseSchema, encodeListV2(list))).toEqual(expected);
});
