import type { JsonObject } from "@bufbuild/protobuf";
import { expect } from "@jest/globals";
import type { SidecarMethod } from "../../../src/adapters/rpc/service/sidecar-calls.js";

/** What a client of whatever protocol has to see. Requests and responses are in protobuf's JSON, defaults left out. */
export interface ConformanceCall {
  readonly name: string;
  readonly method: SidecarMethod;
  readonly request: JsonObject;
  /** All of the response. */
  readonly response?: unknown;
  /** Connect's name of the code, where the call fails. */
  readonly code?: string;
  /** A part of the message, where the call fails. */
  readonly message?: string;
  /** The answer's x-entitlement-source, where the call is a check. */
  readonly source?: "known" | "fallback";
}

const FEATURES = {
  sso: { id: "sso", featureType: "FEATURE_TYPE_BOOLEAN" },
  beta: { id: "beta", featureType: "FEATURE_TYPE_BOOLEAN" },
  retention: { id: "retention-days", featureType: "FEATURE_TYPE_NUMBER", meterType: "METER_TYPE_NONE" },
  seats: {
    id: "seats",
    featureType: "FEATURE_TYPE_NUMBER",
    meterType: "METER_TYPE_FLUCTUATING",
    isMetered: true,
    units: "seat",
    unitsPlural: "seats",
  },
  regions: { id: "regions", featureType: "FEATURE_TYPE_ENUM" },
} as const;
const numberFeature = (id: string) => ({ id, featureType: "FEATURE_TYPE_NUMBER", meterType: "METER_TYPE_NONE" });
const meteredFeature = (id: string, meterType = "METER_TYPE_FLUCTUATING") => ({
  id,
  featureType: "FEATURE_TYPE_NUMBER",
  meterType,
  isMetered: true,
});

const SEATS = { feature: FEATURES.seats, usageLimit: 10, currentUsage: 8, hasSoftLimit: false };
const PERIOD = {
  resetPeriod: "ENTITLEMENT_RESET_PERIOD_MONTH",
  nextResetDate: "9000-01-01T00:00:00Z",
  usagePeriodAnchor: "1000-01-01T00:00:00Z",
  usagePeriodStart: "2000-01-01T00:00:00Z",
  usagePeriodEnd: "9000-01-01T00:00:00Z",
};
const CALLS = {
  feature: meteredFeature("calls", "METER_TYPE_INCREMENTAL"),
  usageLimit: 1000,
  currentUsage: 250.5,
  hasSoftLimit: false,
  ...PERIOD,
};
const WALLET = {
  currency: {
    currencyId: "credits",
    displayName: "Credits",
    description: "pays for images",
    unitSingular: "credit",
    unitPlural: "credits",
    additionalMetaData: { color: "green", tiers: [1, 2, null], shown: true },
  },
  usageLimit: 100,
  currentUsage: 40,
  remaining: 60,
  usagePeriodEnd: "9000-01-01T00:00:00Z",
};
const reason = (name: string) => `ACCESS_DENIED_REASON_${name}`;
const anyId: unknown = expect.any(String);

const CHECKS: readonly ConformanceCall[] = [
  {
    name: "a boolean feature",
    method: "getBooleanEntitlement",
    request: { customerId: "acme", featureId: "sso" },
    response: { hasAccess: true, entitlement: { feature: FEATURES.sso } },
    source: "known",
  },
  {
    name: "a revoked feature",
    method: "getBooleanEntitlement",
    request: { customerId: "acme", featureId: "beta" },
    response: { accessDeniedReason: reason("REVOKED"), entitlement: { feature: FEATURES.beta } },
    source: "known",
  },
  {
    name: "a feature that the customer does not have",
    method: "getBooleanEntitlement",
    request: { customerId: "acme", featureId: "none", options: { fallback: { hasAccess: true } } },
    response: { accessDeniedReason: reason("NO_FEATURE_ENTITLEMENT_IN_SUBSCRIPTION") },
    source: "known",
  },
  {
    name: "a feature of another kind, with a fallback that grants",
    method: "getBooleanEntitlement",
    request: { customerId: "acme", featureId: "seats", options: { fallback: { hasAccess: true } } },
    response: {
      hasAccess: true,
      isFallback: true,
      accessDeniedReason: reason("FEATURE_TYPE_MISMATCH"),
      entitlement: { feature: { id: "seats" } },
    },
    source: "known",
  },
  {
    name: "a number",
    method: "getNumericEntitlement",
    request: { customerId: "acme", featureId: "retention-days" },
    response: { hasAccess: true, entitlement: { feature: FEATURES.retention, value: 30 } },
    source: "known",
  },
  {
    name: "a number beyond 32 bits",
    method: "getNumericEntitlement",
    request: { customerId: "acme", featureId: "huge" },
    response: { hasAccess: true, entitlement: { feature: numberFeature("huge"), value: 2147483647 } },
    source: "known",
  },
  {
    name: "a number with a fraction",
    method: "getNumericEntitlement",
    request: { customerId: "acme", featureId: "half" },
    response: { hasAccess: true, entitlement: { feature: numberFeature("half"), value: 2 } },
    source: "known",
  },
  {
    name: "an unlimited number",
    method: "getNumericEntitlement",
    request: { customerId: "acme", featureId: "no-number" },
    response: { hasAccess: true, entitlement: { feature: numberFeature("no-number"), isUnlimited: true } },
    source: "known",
  },
  {
    name: "a metered feature within its limit",
    method: "getMeteredEntitlement",
    request: { customerId: "acme", featureId: "seats", options: { requestedUsage: 2 } },
    response: { hasAccess: true, requestedUsage: 2, entitlement: SEATS },
    source: "known",
  },
  {
    name: "a metered feature beyond its limit",
    method: "getMeteredEntitlement",
    request: { customerId: "acme", featureId: "seats", options: { requestedUsage: 2.5 } },
    response: {
      accessDeniedReason: reason("REQUESTED_USAGE_EXCEEDING_LIMIT"),
      requestedUsage: 2.5,
      entitlement: SEATS,
    },
    source: "known",
  },
  {
    name: "a metered feature with nothing requested",
    method: "getMeteredEntitlement",
    request: { customerId: "acme", featureId: "calls" },
    response: { hasAccess: true, entitlement: CALLS },
    source: "known",
  },
  {
    name: "an unlimited metered feature",
    method: "getMeteredEntitlement",
    request: { customerId: "acme", featureId: "storage", options: { requestedUsage: 3 } },
    response: {
      hasAccess: true,
      requestedUsage: 3,
      entitlement: { feature: meteredFeature("storage"), isUnlimited: true, currentUsage: 12, hasSoftLimit: false },
    },
    source: "known",
  },
  {
    name: "a soft limit",
    method: "getMeteredEntitlement",
    request: { customerId: "acme", featureId: "emails" },
    response: {
      hasAccess: true,
      entitlement: { feature: meteredFeature("emails"), usageLimit: 10, currentUsage: 12, hasSoftLimit: true },
    },
    source: "known",
  },
  {
    name: "a feature that more credits would pay for",
    method: "getMeteredEntitlement",
    request: { customerId: "acme", featureId: "images", options: { requestedUsage: 7 } },
    response: {
      accessDeniedReason: reason("INSUFFICIENT_CREDITS"),
      requestedUsage: 7,
      entitlement: { feature: meteredFeature("images"), usageLimit: 1000, hasSoftLimit: false },
    },
    source: "known",
  },
  {
    name: "allowed values",
    method: "getEnumEntitlement",
    request: { customerId: "acme", featureId: "regions", options: { requestedValues: ["a"] } },
    response: {
      hasAccess: true,
      requestedValues: ["a"],
      entitlement: { feature: FEATURES.regions, enumValues: ["a", "b"] },
    },
    source: "known",
  },
  {
    name: "values of which one is not allowed",
    method: "getEnumEntitlement",
    request: { customerId: "acme", featureId: "regions", options: { requestedValues: ["a", "c"] } },
    response: {
      accessDeniedReason: reason("REQUESTED_VALUES_MISMATCH"),
      requestedValues: ["a", "c"],
      entitlement: { feature: FEATURES.regions, enumValues: ["a", "b"] },
    },
    source: "known",
  },
  {
    name: "any kind: metered",
    method: "getEntitlement",
    request: { customerId: "acme", featureId: "seats", options: { requestedUsage: 3 } },
    response: { accessDeniedReason: reason("REQUESTED_USAGE_EXCEEDING_LIMIT"), metered: SEATS },
    source: "known",
  },
  {
    name: "any kind: enum",
    method: "getEntitlement",
    request: { customerId: "acme", featureId: "regions" },
    response: { hasAccess: true, enum: { feature: FEATURES.regions, enumValues: ["a", "b"] } },
    source: "known",
  },
  {
    name: "any kind: unknown",
    method: "getEntitlement",
    request: { customerId: "acme", featureId: "none" },
    response: { accessDeniedReason: reason("NO_FEATURE_ENTITLEMENT_IN_SUBSCRIPTION") },
    source: "known",
  },
  {
    name: "any kind: unknown, with a fallback",
    method: "getEntitlement",
    request: { customerId: "acme", featureId: "none", options: { fallback: { hasAccess: true, value: 7 } } },
    response: {
      hasAccess: true,
      isFallback: true,
      accessDeniedReason: reason("UNKNOWN"),
      numeric: { feature: { id: "none" }, value: 7 },
    },
    source: "known",
  },
  {
    name: "any kind: unknown, with a configured fallback",
    method: "getEntitlement",
    request: { customerId: "acme", featureId: "configured-seats" },
    response: {
      hasAccess: true,
      isFallback: true,
      accessDeniedReason: reason("UNKNOWN"),
      metered: { feature: { id: "configured-seats" }, usageLimit: 5, hasSoftLimit: false },
    },
    source: "known",
  },
  {
    name: "an unknown customer",
    method: "getEntitlement",
    request: { customerId: "nobody", featureId: "seats" },
    response: { accessDeniedReason: reason("CUSTOMER_NOT_FOUND") },
    source: "known",
  },
  {
    name: "an archived customer",
    method: "getEntitlement",
    request: { customerId: "archived", featureId: "seats" },
    response: { accessDeniedReason: reason("CUSTOMER_IS_ARCHIVED") },
    source: "known",
  },
  {
    name: "a resource of a customer",
    method: "getMeteredEntitlement",
    request: { customerId: "acme", resourceId: "site-1", featureId: "seats", options: { requestedUsage: 1 } },
    response: {
      accessDeniedReason: reason("REQUESTED_USAGE_EXCEEDING_LIMIT"),
      requestedUsage: 1,
      entitlement: { feature: meteredFeature("seats"), usageLimit: 3, currentUsage: 3, hasSoftLimit: false },
    },
    source: "known",
  },
  {
    name: "an unknown resource",
    method: "getEntitlement",
    request: { customerId: "acme", resourceId: "site-2", featureId: "seats" },
    response: { accessDeniedReason: reason("CUSTOMER_RESOURCE_NOT_FOUND") },
    source: "known",
  },
  {
    name: "an empty resource_id is none",
    method: "getBooleanEntitlement",
    request: { customerId: "acme", resourceId: "", featureId: "sso" },
    response: { hasAccess: true, entitlement: { feature: FEATURES.sso } },
    source: "known",
  },
  {
    name: "the second generation: a feature",
    method: "getEntitlementV2",
    request: { customerId: "acme", featureId: "calls", options: { requestedUsage: 749.5 } },
    response: { entitlement: { hasAccess: true, metered: CALLS } },
    source: "known",
  },
  {
    name: "the second generation: an unknown feature has no fallback",
    method: "getEntitlementV2",
    request: { customerId: "acme", featureId: "none", options: { fallback: { hasAccess: true } } },
    response: { entitlement: { accessDeniedReason: reason("NO_FEATURE_ENTITLEMENT_IN_SUBSCRIPTION") } },
    source: "known",
  },
  {
    name: "credits that suffice",
    method: "getEntitlementV2",
    request: { customerId: "acme", currencyId: "credits", options: { requestedUsage: 60 } },
    response: { entitlement: { hasAccess: true, credit: WALLET } },
    source: "known",
  },
  {
    name: "credits that do not suffice",
    method: "getEntitlementV2",
    request: { customerId: "acme", currencyId: "credits", options: { requestedUsage: 60.1 } },
    response: { entitlement: { accessDeniedReason: reason("INSUFFICIENT_CREDITS"), credit: WALLET } },
    source: "known",
  },
  {
    name: "an overdrawn wallet with a soft limit",
    method: "getEntitlementV2",
    request: { customerId: "acme", currencyId: "overdraft" },
    response: {
      entitlement: {
        hasAccess: true,
        credit: {
          currency: { currencyId: "overdraft", displayName: "overdraft" },
          usageLimit: 10,
          currentUsage: 15,
          remaining: -5,
          hasSoftLimit: true,
        },
      },
    },
    source: "known",
  },
  {
    name: "an overdrawn wallet",
    method: "getEntitlementV2",
    request: { customerId: "acme", currencyId: "empty" },
    response: {
      entitlement: {
        accessDeniedReason: reason("INSUFFICIENT_CREDITS"),
        credit: { currency: { currencyId: "empty", displayName: "empty" }, usageLimit: 10, currentUsage: 15 },
      },
    },
    source: "known",
  },
  {
    name: "an unknown currency",
    method: "getEntitlementV2",
    request: { customerId: "acme", featureId: "", currencyId: "none" },
    response: { entitlement: { accessDeniedReason: reason("ENTITLEMENT_NOT_FOUND") } },
    source: "known",
  },
];

const FALLBACKS: readonly ConformanceCall[] = [
  {
    name: "upstream down: boolean",
    method: "getBooleanEntitlement",
    request: { customerId: "unreachable", featureId: "configured" },
    response: {
      hasAccess: true,
      isFallback: true,
      accessDeniedReason: reason("UNKNOWN"),
      entitlement: { feature: { id: "configured" } },
    },
    source: "fallback",
  },
  {
    name: "upstream down: the request's fallback wins",
    method: "getBooleanEntitlement",
    request: { customerId: "unreachable", featureId: "configured", options: { fallback: {} } },
    response: {
      isFallback: true,
      accessDeniedReason: reason("UNKNOWN"),
      entitlement: { feature: { id: "configured" } },
    },
    source: "fallback",
  },
  {
    name: "upstream down: numeric",
    method: "getNumericEntitlement",
    request: {
      customerId: "unreachable",
      featureId: "x",
      options: { fallback: { hasAccess: true, value: -4, isUnlimited: true } },
    },
    response: {
      hasAccess: true,
      isFallback: true,
      accessDeniedReason: reason("UNKNOWN"),
      entitlement: { feature: { id: "x" }, value: -4, isUnlimited: true },
    },
    source: "fallback",
  },
  {
    name: "upstream down: metered",
    method: "getMeteredEntitlement",
    request: { customerId: "unreachable", featureId: "x" },
    response: {
      isFallback: true,
      accessDeniedReason: reason("UNKNOWN"),
      requestedUsage: 1,
      entitlement: { feature: { id: "x" }, hasSoftLimit: false },
    },
    source: "fallback",
  },
  {
    name: "upstream down: metered, with a request",
    method: "getMeteredEntitlement",
    request: {
      customerId: "unreachable",
      featureId: "x",
      options: { requestedUsage: 0, fallback: { hasAccess: true, usageLimit: 2.5 } },
    },
    response: {
      hasAccess: true,
      isFallback: true,
      accessDeniedReason: reason("UNKNOWN"),
      entitlement: { feature: { id: "x" }, usageLimit: 2.5, hasSoftLimit: false },
    },
    source: "fallback",
  },
  {
    name: "upstream down: enum",
    method: "getEnumEntitlement",
    request: {
      customerId: "unreachable",
      featureId: "x",
      options: { requestedValues: ["c"], fallback: { hasAccess: true, enumValues: ["c", "d"] } },
    },
    response: {
      hasAccess: true,
      isFallback: true,
      accessDeniedReason: reason("UNKNOWN"),
      requestedValues: ["c"],
      entitlement: { feature: { id: "x" }, enumValues: ["c", "d"] },
    },
    source: "fallback",
  },
  {
    name: "upstream down: any kind, a usage requested",
    method: "getEntitlement",
    request: { customerId: "unreachable", featureId: "x", options: { requestedUsage: 1 } },
    response: {
      isFallback: true,
      accessDeniedReason: reason("UNKNOWN"),
      metered: { feature: { id: "x" }, hasSoftLimit: false },
    },
    source: "fallback",
  },
  {
    name: "upstream down: any kind, values requested",
    method: "getEntitlement",
    request: { customerId: "unreachable", featureId: "x", options: { requestedValues: ["a"] } },
    response: { isFallback: true, accessDeniedReason: reason("UNKNOWN"), enum: { feature: { id: "x" } } },
    source: "fallback",
  },
  {
    name: "upstream down: any kind, nothing requested",
    method: "getEntitlement",
    request: { customerId: "unreachable", featureId: "x" },
    response: { isFallback: true, accessDeniedReason: reason("UNKNOWN"), boolean: { feature: { id: "x" } } },
    source: "fallback",
  },
  {
    name: "upstream down: the second generation, granting",
    method: "getEntitlementV2",
    request: { customerId: "unreachable", featureId: "configured-seats" },
    response: {
      entitlement: {
        hasAccess: true,
        isFallback: true,
        metered: { feature: { id: "configured-seats" }, usageLimit: 5, hasSoftLimit: false },
      },
    },
    source: "fallback",
  },
  {
    name: "upstream down: credits",
    method: "getEntitlementV2",
    request: { customerId: "unreachable", currencyId: "credits" },
    response: {
      entitlement: {
        isFallback: true,
        accessDeniedReason: reason("UNKNOWN"),
        credit: { currency: { currencyId: "credits" } },
      },
    },
    source: "fallback",
  },
  {
    name: "upstream down: credits, granting",
    method: "getEntitlementV2",
    request: {
      customerId: "unreachable",
      currencyId: "credits",
      options: { fallback: { hasAccess: true, usageLimit: 9 } },
    },
    response: {
      entitlement: {
        hasAccess: true,
        isFallback: true,
        credit: { currency: { currencyId: "credits" }, usageLimit: 9, remaining: 9 },
      },
    },
    source: "fallback",
  },
  {
    name: "upstream down: the list",
    method: "getEntitlements",
    request: { customerId: "unreachable" },
    response: {
      entitlements: [
        { boolean: { feature: { id: "configured" } } },
        { metered: { feature: { id: "configured-seats" }, usageLimit: 5, hasSoftLimit: false } },
        { enum: { feature: { id: "configured-off" }, enumValues: ["a"] } },
      ],
      accessDeniedReason: reason("UNKNOWN"),
    },
    source: "fallback",
  },
  {
    name: "upstream down: the second generation's list",
    method: "getEntitlementsStateV2",
    request: { customerId: "unreachable" },
    response: {
      entitlements: [
        { hasAccess: true, isFallback: true, boolean: { feature: { id: "configured" } } },
        {
          hasAccess: true,
          isFallback: true,
          metered: { feature: { id: "configured-seats" }, usageLimit: 5, hasSoftLimit: false },
        },
        {
          isFallback: true,
          accessDeniedReason: reason("UNKNOWN"),
          enum: { feature: { id: "configured-off" }, enumValues: ["a"] },
        },
      ],
      accessDeniedReason: reason("UNKNOWN"),
    },
    source: "fallback",
  },
];

const LISTS: readonly ConformanceCall[] = [
  {
    name: "a list",
    method: "getEntitlements",
    request: { customerId: "acme", resourceId: "site-1" },
    response: {
      entitlements: [
        { metered: { feature: meteredFeature("seats"), usageLimit: 3, currentUsage: 3, hasSoftLimit: false } },
      ],
    },
    source: "known",
  },
  {
    name: "a list leaves out credits",
    method: "getEntitlements",
    request: { customerId: "lapsed" },
    response: { accessDeniedReason: reason("NO_ACTIVE_SUBSCRIPTION") },
    source: "known",
  },
  {
    name: "the second generation's list has them",
    method: "getEntitlementsStateV2",
    request: { customerId: "lapsed" },
    response: {
      entitlements: [
        {
          hasAccess: true,
          credit: { currency: { currencyId: "left-over", displayName: "left-over" }, usageLimit: 5, remaining: 5 },
        },
      ],
      accessDeniedReason: reason("NO_ACTIVE_SUBSCRIPTION"),
    },
    source: "known",
  },
  {
    name: "the list of an unknown customer",
    method: "getEntitlementsStateV2",
    request: { customerId: "nobody" },
    response: { accessDeniedReason: reason("CUSTOMER_NOT_FOUND") },
    source: "known",
  },
];

const counted = (currentUsage: number) => ({
  measurementId: anyId,
  customerId: "counting",
  featureId: "seats",
  currentUsage,
});
const countedCalls = (currentUsage: number) => ({
  measurementId: anyId,
  customerId: "counting",
  featureId: "calls",
  currentUsage,
  usagePeriodStart: "2000-01-01T00:00:00Z",
  usagePeriodEnd: "9000-01-01T00:00:00Z",
});

const WRITES: readonly ConformanceCall[] = [
  {
    name: "usage is added where nothing is said",
    method: "reportUsage",
    request: { customerId: "counting", featureId: "seats", value: 1 },
    response: counted(9),
  },
  {
    name: "usage is given back",
    method: "reportUsage",
    request: {
      customerId: "counting",
      featureId: "seats",
      value: -2.5,
      updateBehavior: "USAGE_UPDATE_BEHAVIOR_UNSPECIFIED",
    },
    response: counted(6.5),
  },
  {
    name: "usage is set",
    method: "reportUsage",
    request: {
      customerId: "counting",
      featureId: "seats",
      value: 10,
      updateBehavior: "USAGE_UPDATE_BEHAVIOR_SET",
      dimensions: { plan: { stringValue: "" }, weight: { numberValue: 0 }, trial: { booleanValue: false } },
      timestamp: "2026-01-02T03:04:05.678Z",
    },
    response: counted(10),
  },
  {
    name: "the next check knows it",
    method: "getMeteredEntitlement",
    request: { customerId: "counting", featureId: "seats", options: { requestedUsage: 1 } },
    response: {
      accessDeniedReason: reason("REQUESTED_USAGE_EXCEEDING_LIMIT"),
      requestedUsage: 1,
      entitlement: { feature: meteredFeature("seats"), usageLimit: 10, currentUsage: 10, hasSoftLimit: false },
    },
    source: "known",
  },
  {
    name: "usages together",
    method: "reportUsageBulk",
    request: {
      usages: [
        { customerId: "counting", featureId: "calls", value: 2 },
        { customerId: "counting", featureId: "calls", value: -0.5, updateBehavior: "USAGE_UPDATE_BEHAVIOR_DELTA" },
      ],
    },
    response: { usages: [countedCalls(2), countedCalls(1.5)] },
  },
  { name: "no usages at all", method: "reportUsageBulk", request: {}, response: {} },
  {
    name: "usage that credits pay for",
    method: "reportUsage",
    request: { customerId: "counting", featureId: "images", value: 9 },
    response: { measurementId: anyId, customerId: "counting", featureId: "images", currentUsage: 9 },
  },
  {
    name: "the next check of the wallet knows it",
    method: "getEntitlementV2",
    request: { customerId: "counting", currencyId: "credits", options: { requestedUsage: 11 } },
    response: {
      entitlement: {
        accessDeniedReason: reason("INSUFFICIENT_CREDITS"),
        credit: {
          currency: { currencyId: "credits", displayName: "credits" },
          usageLimit: 100,
          currentUsage: 90,
          remaining: 10,
        },
      },
    },
    source: "known",
  },
  {
    name: "usage of an unknown customer",
    method: "reportUsage",
    request: { customerId: "nobody", featureId: "seats", value: 1 },
    code: "not_found",
    message: 'no customer "nobody"',
  },
  {
    name: "usage of an archived customer",
    method: "reportUsage",
    request: { customerId: "archived", featureId: "seats", value: 1 },
    code: "failed_precondition",
    message: "is archived",
  },
  {
    name: "usage of a feature that is not metered",
    method: "reportUsage",
    request: { customerId: "counting", featureId: "sso", value: 1 },
    code: "invalid_argument",
    message: "is not metered",
  },
  {
    name: "usage while upstream is down",
    method: "reportUsage",
    request: { customerId: "unreachable", featureId: "seats", value: 1 },
    code: "unavailable",
    message: "upstream is down",
  },
  {
    name: "usages together while upstream refuses the key",
    method: "reportUsageBulk",
    request: { usages: [{ customerId: "locked-out", featureId: "seats", value: 1 }] },
    code: "unauthenticated",
    message: "the API key is not valid",
  },
  {
    name: "events",
    method: "reportEvents",
    request: {
      events: [
        { eventName: "saved", customerId: "counting", idempotencyKey: "1", dimensions: { size: { numberValue: 3 } } },
        {
          eventName: "saved",
          customerId: "counting",
          resourceId: "site-1",
          idempotencyKey: "2",
          timestamp: "2026-01-01T00:00:00Z",
        },
      ],
    },
    response: {},
  },
  { name: "no events at all", method: "reportEvents", request: {}, response: {} },
  {
    name: "events while upstream is down",
    method: "reportEvents",
    request: { events: [{ eventName: "saved", customerId: "unreachable", idempotencyKey: "3" }] },
    code: "unavailable",
    message: "upstream is down",
  },
  {
    name: "a reload",
    method: "reloadEntitlements",
    request: { customerId: "acme" },
    response: { entitledEntityExists: true },
  },
  {
    name: "a reload of an unknown customer",
    method: "reloadEntitlements",
    request: { customerId: "nobody" },
    response: {},
  },
  {
    name: "a reload while upstream is down",
    method: "reloadEntitlements",
    request: { customerId: "unreachable" },
    code: "unavailable",
    message: "upstream is down",
  },
  {
    name: "a failure that nobody foresaw gives nothing away",
    method: "reloadEntitlements",
    request: { customerId: "a bug" },
    code: "internal",
    message: "internal error: see the sidecar's log",
  },
];

const REFUSALS: readonly ConformanceCall[] = [
  {
    name: "less than nothing requested",
    method: "getMeteredEntitlement",
    request: { customerId: "acme", featureId: "seats", options: { requestedUsage: -1 } },
    code: "invalid_argument",
    message: "options.requested_usage was -1: send 0 or more",
  },
  {
    name: "less than no credits requested",
    method: "getEntitlementV2",
    request: { customerId: "acme", currencyId: "credits", options: { requestedUsage: -0.5 } },
    code: "invalid_argument",
    message: "options.requested_usage was -0.5",
  },
  {
    name: "no customer",
    method: "getEntitlement",
    request: { featureId: "seats" },
    code: "invalid_argument",
    message: "customer_id",
  },
  {
    name: "no feature",
    method: "getMeteredEntitlement",
    request: { customerId: "acme" },
    code: "invalid_argument",
    message: "feature_id",
  },
  {
    name: "no customer to list",
    method: "getEntitlements",
    request: {},
    code: "invalid_argument",
    message: "customer_id",
  },
  {
    name: "neither a feature nor a currency",
    method: "getEntitlementV2",
    request: { customerId: "acme", featureId: "", currencyId: "" },
    code: "invalid_argument",
    message: "feature_id and currency_id were both empty",
  },
  {
    name: "both a feature and a currency",
    method: "getEntitlementV2",
    request: { customerId: "acme", featureId: "seats", currencyId: "credits" },
    code: "invalid_argument",
    message: "feature_id and currency_id were both given",
  },
  {
    name: "a request for NaN",
    method: "getMeteredEntitlement",
    request: { customerId: "acme", featureId: "seats", options: { requestedUsage: "NaN" } },
    code: "invalid_argument",
    message: "options.requested_usage was NaN",
  },
  {
    name: "a fallback without end",
    method: "getEntitlement",
    request: { customerId: "acme", featureId: "seats", options: { fallback: { usageLimit: "Infinity" } } },
    code: "invalid_argument",
    message: "options.fallback.usage_limit was Infinity",
  },
  {
    name: "usage without end",
    method: "reportUsage",
    request: { customerId: "acme", featureId: "seats", value: "-Infinity" },
    code: "invalid_argument",
    message: "value was -Infinity",
  },
  {
    name: "an unknown behaviour",
    method: "reportUsage",
    request: { customerId: "acme", featureId: "seats", value: 1, updateBehavior: 9 },
    code: "invalid_argument",
    message: "update_behavior was 9",
  },
  {
    name: "a dimension without a value",
    method: "reportUsage",
    request: { customerId: "acme", featureId: "seats", value: 1, dimensions: { size: {} } },
    code: "invalid_argument",
    message: 'dimensions["size"] has no value',
  },
  {
    name: "the second of two usages",
    method: "reportUsageBulk",
    request: { usages: [{ customerId: "acme", featureId: "seats" }, { featureId: "seats" }] },
    code: "invalid_argument",
    message: "usages[1].customer_id",
  },
  {
    name: "an event without a key",
    method: "reportEvents",
    request: { events: [{ eventName: "saved", customerId: "acme" }] },
    code: "invalid_argument",
    message: "events[0].idempotency_key",
  },
  {
    name: "an event without a name",
    method: "reportEvents",
    request: { events: [{ customerId: "acme", idempotencyKey: "1" }] },
    code: "invalid_argument",
    message: "events[0].event_name",
  },
  {
    name: "no customer to reload",
    method: "reloadEntitlements",
    request: {},
    code: "invalid_argument",
    message: "customer_id",
  },
];

/** One table for every client. The order matters: what is reported is seen by checks after it. */
export const CONFORMANCE_CALLS: readonly ConformanceCall[] = [
  ...CHECKS,
  ...LISTS,
  ...FALLBACKS,
  ...WRITES,
  ...REFUSALS,
];
