import { type DescMessage, type JsonValue, type MessageShape, toJson } from "@bufbuild/protobuf";
import { describe, expect, test } from "@jest/globals";
import { MESSAGE_ENCODERS } from "../../../../../src/adapters/rpc/answers/message-encoders.js";
import { WIRE_REASONS } from "../../../../../src/adapters/rpc/answers/wire-values.js";
import {
  AccessDeniedReason,
  type CreditEntitlement,
  CreditEntitlementSchema,
  EntitlementFeatureSchema,
  EntitlementSchema,
  GetBooleanEntitlementResponseSchema,
  GetEntitlementResponseSchema,
  GetEntitlementsResponseSchema,
  GetEntitlementsStateV2ResponseSchema,
  type GetEntitlementV2Response,
  GetEntitlementV2ResponseSchema,
  GetEnumEntitlementResponseSchema,
  GetMeteredEntitlementResponseSchema,
  GetNumericEntitlementResponseSchema,
  ReportUsageBulkResponseSchema,
  ReportUsageResponseSchema,
} from "../../../../../src/adapters/rpc/gen/stigg/sidecar/v1/sidecar_pb.js";
import { buildCustomerState, type FeatureEntitlementInput } from "../../../../../src/domain/build-customer-state.js";
import { ACCESS_DENIED_REASONS } from "../../../../../src/domain/decision/access-denied-reason.js";
import { decideCredit, decideCreditWithoutState } from "../../../../../src/domain/decision/decide-credit.js";
import { decideFeatureWithoutState } from "../../../../../src/domain/decision/decide-feature.js";
import type { FeatureDecision, FeatureQuery } from "../../../../../src/domain/decision/decision.js";
import type { FallbackValues } from "../../../../../src/domain/decision/fallback.js";
import type { Feature } from "../../../../../src/domain/feature.js";
import type { Usage } from "../../../../../src/domain/usage/usage.js";
import { boolean, enumerated, metered, numeric, stateWith, wallet } from "../../../../builders/states.js";

const json = <D extends DescMessage>(schema: D, message: MessageShape<D>): JsonValue => toJson(schema, message);
const QUERY: FeatureQuery = {
  featureId: "x",
  kind: undefined,
  requestedUsage: undefined,
  requestedValues: [],
  fallback: undefined,
  fallbackWhenUnknown: false,
};

function decision(input: FeatureEntitlementInput, usage?: Usage): FeatureDecision {
  const entitlement = stateWith([input]).feature(input.feature.id)!;
  return { hasAccess: true, accessDeniedReason: undefined, entitlement, usage, fallback: undefined };
}

function encoded(input: FeatureEntitlementInput, usage?: Usage): JsonValue {
  const list = { features: [decision(input, usage)], credits: [], fallbacks: undefined, accessDeniedReason: undefined };
  return json(EntitlementSchema, MESSAGE_ENCODERS.list(list).entitlements[0]!);
}

describe("a feature", () => {
  test.each<[Feature, JsonValue]>([
    [
      { id: "a", featureType: "BOOLEAN" },
      { id: "a", featureType: "FEATURE_TYPE_BOOLEAN" },
    ],
    [
      { id: "a", featureType: "ENUM" },
      { id: "a", featureType: "FEATURE_TYPE_ENUM" },
    ],
    [
      { id: "a", featureType: "NUMBER" },
      { id: "a", featureType: "FEATURE_TYPE_NUMBER" },
    ],
    [
      { id: "a", featureType: "NUMBER", meterType: "None" },
      { id: "a", featureType: "FEATURE_TYPE_NUMBER", meterType: "METER_TYPE_NONE" },
    ],
    [
      { id: "a", featureType: "NUMBER", meterType: "Fluctuating" },
      { id: "a", featureType: "FEATURE_TYPE_NUMBER", meterType: "METER_TYPE_FLUCTUATING", isMetered: true },
    ],
    [
      { id: "a", featureType: "NUMBER", meterType: "Incremental", units: "call", unitsPlural: "" },
      {
        id: "a",
        featureType: "FEATURE_TYPE_NUMBER",
        meterType: "METER_TYPE_INCREMENTAL",
        isMetered: true,
        units: "call",
        unitsPlural: "",
      },
    ],
  ])("%j", (feature, expected) => {
    const wire = () => MESSAGE_ENCODERS.boolean(decision({ ...boolean(), feature }), QUERY).entitlement!.feature!;
    expect(json(EntitlementFeatureSchema, wire())).toEqual(expected);
  });
});

test("every reason has its own place on the wire", () => {
  const wire = ACCESS_DENIED_REASONS.map((reason) => WIRE_REASONS[reason]);
  expect(new Set(wire).size).toBe(ACCESS_DENIED_REASONS.length);
  expect(wire).not.toContain(AccessDeniedReason.UNSPECIFIED);
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
      numeric: {
        feature: { id: "retention-days", featureType: "FEATURE_TYPE_NUMBER", meterType: "METER_TYPE_NONE" },
        ...(value === undefined ? {} : { value }),
      },
    });
  });
});

describe("a metered entitlement", () => {
  const FEATURE = {
    id: "seats",
    featureType: "FEATURE_TYPE_NUMBER",
    meterType: "METER_TYPE_FLUCTUATING",
    isMetered: true,
  };

  test.each(["YEAR", "MONTH", "WEEK", "DAY", "HOUR"] as const)(
    "that is reset each %s has its period, and its end twice",
    (resetPeriod) => {
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
    },
  );

  test.each([NaN, Infinity, Date.UTC(10_000, 0, 1), -62_135_596_800_001])(
    "leaves out a timestamp that the wire cannot hold: %d",
    (timestamp) => {
      const usage = { currentUsage: 1, periodStart: timestamp, periodEnd: timestamp };
      expect(encoded(metered(), usage)).toEqual({
        metered: { feature: FEATURE, usageLimit: 10, currentUsage: 1, hasSoftLimit: false },
      });
    },
  );

  test.each([Date.UTC(9_999, 11, 31, 23, 59, 59, 999), -62_135_596_800_000])(
    "has the first and the last timestamp: %d",
    (timestamp) => {
      expect(encoded(metered(), { currentUsage: 1, periodEnd: timestamp })).toMatchObject({
        metered: { usagePeriodEnd: new Date(timestamp).toISOString().replace("00.000Z", "00Z") },
      });
    },
  );
});

describe("an answer to a typed check", () => {
  const unknown = {
    hasAccess: false,
    accessDeniedReason: "CustomerNotFound",
    entitlement: undefined,
    usage: undefined,
    fallback: undefined,
  } as const;

  test("of what is known", () => {
    expect(json(GetBooleanEntitlementResponseSchema, MESSAGE_ENCODERS.boolean(decision(boolean()), QUERY))).toEqual({
      hasAccess: true,
      entitlement: { feature: { id: "sso", featureType: "FEATURE_TYPE_BOOLEAN" } },
    });
    expect(
      json(GetNumericEntitlementResponseSchema, MESSAGE_ENCODERS.numeric(decision(numeric({ usageLimit: 7 })), QUERY)),
    ).toMatchObject({ hasAccess: true, entitlement: { value: 7 } });
    expect(
      json(
        GetMeteredEntitlementResponseSchema,
        MESSAGE_ENCODERS.metered(decision(metered()), { ...QUERY, requestedUsage: 0.5 }),
      ),
    ).toMatchObject({ requestedUsage: 0.5, entitlement: { usageLimit: 10 } });
    expect(
      json(
        GetEnumEntitlementResponseSchema,
        MESSAGE_ENCODERS.enum(decision(enumerated()), { ...QUERY, requestedValues: ["a"] }),
      ),
    ).toMatchObject({ requestedValues: ["a"], entitlement: { enumValues: ["a", "b"] } });
  });

  test("of what is not known has no entitlement", () => {
    const denied = { accessDeniedReason: "ACCESS_DENIED_REASON_CUSTOMER_NOT_FOUND" };
    expect(json(GetBooleanEntitlementResponseSchema, MESSAGE_ENCODERS.boolean(unknown, QUERY))).toEqual(denied);
    expect(json(GetNumericEntitlementResponseSchema, MESSAGE_ENCODERS.numeric(unknown, QUERY))).toEqual(denied);
    expect(json(GetMeteredEntitlementResponseSchema, MESSAGE_ENCODERS.metered(unknown, QUERY))).toEqual(denied);
    expect(
      json(GetEnumEntitlementResponseSchema, MESSAGE_ENCODERS.enum(unknown, { ...QUERY, requestedValues: ["a"] })),
    ).toEqual({ ...denied, requestedValues: ["a"] });
  });

  test.each([
    [undefined, 1],
    [0, 0],
    [5, 5],
  ])(
    "a metered fallback repeats the usage that was requested, and 1 for none: %d is %d",
    (requestedUsage, expected) => {
      const query = { ...QUERY, requestedUsage };
      expect(MESSAGE_ENCODERS.metered(decideFeatureWithoutState(query), query).requestedUsage).toBe(expected);
    },
  );

  test("a fallback keeps its reason even where it grants", () => {
    const query = { ...QUERY, fallback: { hasAccess: true } };
    expect(
      json(GetBooleanEntitlementResponseSchema, MESSAGE_ENCODERS.boolean(decideFeatureWithoutState(query), query)),
    ).toEqual({
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
    [
      "a limit",
      { hasAccess: true, usageLimit: 3, enumValues: ["a"] },
      {},
      { metered: { feature: FEATURE, usageLimit: 3, hasSoftLimit: false } },
    ],
    [
      "a request for usage",
      { hasAccess: true, isUnlimited: true },
      { requestedUsage: 0 },
      { metered: { feature: FEATURE, isUnlimited: true, hasSoftLimit: false } },
    ],
  ])("given %s", (_, fallback, requested, entitlement) => {
    const query = { ...QUERY, ...requested, fallback };
    const decision = decideFeatureWithoutState(query);
    const unknown = { accessDeniedReason: "ACCESS_DENIED_REASON_UNKNOWN" };
    expect(json(GetEntitlementResponseSchema, MESSAGE_ENCODERS.feature(decision, query))).toEqual({
      hasAccess: true,
      isFallback: true,
      ...unknown,
      ...(entitlement as object),
    });
    expect(json(GetEntitlementV2ResponseSchema, MESSAGE_ENCODERS.featureV2(decision, query))).toEqual({
      entitlement: { hasAccess: true, isFallback: true, ...(entitlement as object) },
    });
  });

  test("one that denies says why in both generations", () => {
    const decision = decideFeatureWithoutState(QUERY);
    expect(MESSAGE_ENCODERS.feature(decision, QUERY).accessDeniedReason).toBe(AccessDeniedReason.UNKNOWN);
    expect(MESSAGE_ENCODERS.featureV2(decision, QUERY).entitlement?.accessDeniedReason).toBe(
      AccessDeniedReason.UNKNOWN,
    );
  });
});

describe("a wallet", () => {
  const decide = (terms: Parameters<typeof wallet>[0], requestedUsage?: number) => {
    const query = { currencyId: "credits", requestedUsage, fallback: undefined };
    return MESSAGE_ENCODERS.creditV2(decideCredit(buildCustomerState({ credits: [wallet(terms)] }), query), query);
  };

  test("tells what remains, also where it denies", () => {
    expect(json(GetEntitlementV2ResponseSchema, decide({ used: 40, usageLimit: 100 }, 61))).toEqual({
      entitlement: {
        accessDeniedReason: "ACCESS_DENIED_REASON_INSUFFICIENT_CREDITS",
        credit: {
          currency: { currencyId: "credits", displayName: "credits" },
          usageLimit: 100,
          currentUsage: 40,
          remaining: 60,
        },
      },
    });
  });

  test("a fallback leaves all of its limit, and 0 without one", () => {
    const query = { currencyId: "c", requestedUsage: undefined, fallback: undefined };
    const wire = (fallback: FallbackValues) =>
      json(
        CreditEntitlementSchema,
        creditOf(MESSAGE_ENCODERS.creditV2(decideCreditWithoutState({ ...query, fallback }), query)),
      );
    expect(wire({ hasAccess: true, usageLimit: 9 })).toEqual({
      currency: { currencyId: "c" },
      usageLimit: 9,
      remaining: 9,
    });
    expect(wire({ hasAccess: true })).toEqual({ currency: { currencyId: "c" } });
  });

  test("meta data that JSON cannot hold is null", () => {
    const currency = {
      currencyId: "c",
      displayName: "C",
      additionalMetaData: { rate: Infinity, list: [1, "a", { deep: NaN }] },
    };
    const state = buildCustomerState({ credits: [{ currency, usageLimit: 1 }] });
    const query = { currencyId: "c", requestedUsage: undefined, fallback: undefined };
    expect(
      json(CreditEntitlementSchema, creditOf(MESSAGE_ENCODERS.creditV2(decideCredit(state, query), query))),
    ).toMatchObject({ currency: { additionalMetaData: { rate: null, list: [1, "a", { deep: null }] } } });
  });
});

describe("what stands in many answers is encoded once", () => {
  const feature: Feature = { id: "shared", featureType: "BOOLEAN" };
  const of = (one: FeatureDecision) => MESSAGE_ENCODERS.boolean(one, QUERY).entitlement!.feature;

  test("a feature", () =>
    expect(of(decision({ ...boolean(), feature }))).toBe(of(decision({ ...boolean(), feature }))));

  test("a currency", () => {
    const currency = { currencyId: "c", displayName: "C" };
    const query = { currencyId: "c", requestedUsage: undefined, fallback: undefined };
    const [first, second] = [1, 2].map((usageLimit) => {
      const state = buildCustomerState({ credits: [{ currency, usageLimit }] });
      return creditOf(MESSAGE_ENCODERS.creditV2(decideCredit(state, query), query)).currency;
    });
    expect(first).toBe(second);
  });
});

test("a list of nothing says why, in both generations", () => {
  const list = { features: [], credits: [], fallbacks: undefined, accessDeniedReason: "NoActiveSubscription" } as const;
  const expected = { accessDeniedReason: "ACCESS_DENIED_REASON_NO_ACTIVE_SUBSCRIPTION" };
  expect(json(GetEntitlementsResponseSchema, MESSAGE_ENCODERS.list(list))).toEqual(expected);
  expect(json(GetEntitlementsStateV2ResponseSchema, MESSAGE_ENCODERS.listV2(list))).toEqual(expected);
});

describe("a fallback in a list", () => {
  const list = {
    features: [],
    credits: [],
    fallbacks: new Map([
      ["x", { hasAccess: true, value: 7.9 }],
      ["y", { hasAccess: false }],
    ]),
    accessDeniedReason: "Unknown",
  } as const;
  const unknown = "ACCESS_DENIED_REASON_UNKNOWN";

  test("of the first generation is what stands in for the entitlement", () => {
    expect(json(GetEntitlementsResponseSchema, MESSAGE_ENCODERS.list(list))).toEqual({
      entitlements: [{ numeric: { feature: { id: "x" }, value: 7 } }, { boolean: { feature: { id: "y" } } }],
      accessDeniedReason: unknown,
    });
  });

  test("of the second generation is marked, and has a reason where it denies", () => {
    expect(json(GetEntitlementsStateV2ResponseSchema, MESSAGE_ENCODERS.listV2(list))).toEqual({
      entitlements: [
        { hasAccess: true, isFallback: true, numeric: { feature: { id: "x" }, value: 7 } },
        { isFallback: true, accessDeniedReason: unknown, boolean: { feature: { id: "y" } } },
      ],
      accessDeniedReason: unknown,
    });
  });
});

describe("a report's measurement", () => {
  const measured = {
    measurementId: "m",
    subject: { customerId: "c", resourceId: "r" },
    featureId: "f",
    currentUsage: 0,
    periodStart: 0,
    periodEnd: 1_500,
    updatedAt: 9,
    credit: undefined,
  };
  const wire = {
    measurementId: "m",
    customerId: "c",
    resourceId: "r",
    featureId: "f",
    currentUsage: 0,
    usagePeriodStart: "1970-01-01T00:00:00Z",
    usagePeriodEnd: "1970-01-01T00:00:01.500Z",
  };
  const bare = {
    ...measured,
    subject: { customerId: "c" },
    currentUsage: undefined,
    periodStart: undefined,
    periodEnd: undefined,
  };

  test("has the usage and its period", () => {
    expect(json(ReportUsageResponseSchema, MESSAGE_ENCODERS.measurement(measured))).toEqual(wire);
  });

  test("leaves out what upstream did not count, and stands in its place among others", () => {
    expect(json(ReportUsageBulkResponseSchema, MESSAGE_ENCODERS.measurements([bare, measured]))).toEqual({
      usages: [{ measurementId: "m", customerId: "c", featureId: "f" }, wire],
    });
  });
});

function creditOf({ entitlement }: GetEntitlementV2Response): CreditEntitlement {
  return entitlement!.entitlement.value as CreditEntitlement;
}
