import type { JsonObject } from "@bufbuild/protobuf";
import { denied, fallback, granted, type Question, questions, reason } from "./questions.js";

const seats = (requestedUsage?: number): JsonObject => ({
  featureId: "seats",
  options: requestedUsage === undefined ? {} : { requestedUsage },
});
const metered = (title: string, featureId: string, requestedUsage: number, expected: object): Question => ({
  title,
  method: "getMeteredEntitlement",
  request: { featureId, options: { requestedUsage } },
  expected: { requestedUsage, ...expected },
});
const regions = (title: string, requestedValues: string[], expected: object): Question => ({
  title,
  method: "getEnumEntitlement",
  request: { featureId: "regions", options: { requestedValues } },
  expected: { requestedValues, ...expected },
});

const BOOLEAN = questions("boolean features", [
  {
    title: "what the plan has is granted",
    method: "getBooleanEntitlement",
    request: { featureId: "sso" },
    expected: { ...granted, entitlement: { feature: { id: "sso", featureType: "FEATURE_TYPE_BOOLEAN" } } },
  },
  {
    title: "what the plan does not have is denied",
    method: "getBooleanEntitlement",
    request: { featureId: "branding" },
    expected: denied("NO_FEATURE_ENTITLEMENT_IN_SUBSCRIPTION"),
  },
  {
    title: "GetEntitlement answers as its kind",
    method: "getEntitlement",
    request: { featureId: "sso" },
    expected: { ...granted, boolean: { feature: { id: "sso" } }, metered: undefined },
  },
  {
    title: "GetEntitlementV2 answers as its kind",
    method: "getEntitlementV2",
    request: { featureId: "sso" },
    expected: { entitlement: { ...granted, boolean: { feature: { id: "sso" } } } },
  },
]);

const NUMERIC = questions("numeric features", [
  {
    title: "the configured number is answered",
    method: "getNumericEntitlement",
    request: { featureId: "retention" },
    expected: {
      ...granted,
      entitlement: { value: 30, isUnlimited: false, feature: { units: "day", unitsPlural: "days", isMetered: false } },
    },
  },
  {
    title: "without a limit it is unlimited",
    method: "getNumericEntitlement",
    request: { featureId: "history" },
    expected: { ...granted, entitlement: { isUnlimited: true } },
  },
  {
    title: "GetEntitlement answers as its kind",
    method: "getEntitlement",
    request: { featureId: "retention", options: { requestedUsage: 31 } },
    expected: { ...granted, numeric: { value: 30 } },
  },
  {
    title: "GetEntitlementV2 answers as its kind",
    method: "getEntitlementV2",
    request: { featureId: "retention" },
    expected: { entitlement: { ...granted, numeric: { value: 30 } } },
  },
]);

const METERED = questions("metered features", [
  {
    title: "usage and limit are answered",
    method: "getMeteredEntitlement",
    request: seats(),
    expected: {
      ...granted,
      requestedUsage: 0,
      entitlement: {
        usageLimit: 10,
        currentUsage: 8,
        isUnlimited: false,
        hasSoftLimit: (value: unknown) => (value === true ? "must not be true" : undefined),
        resetPeriod: undefined,
        usagePeriodEnd: undefined,
        feature: { id: "seats", meterType: "METER_TYPE_FLUCTUATING", isMetered: true, units: "seat" },
      },
    },
  },
  metered("what fits exactly is granted", "seats", 2, granted),
  metered("what is above the limit by one is denied", "seats", 3, {
    ...denied("REQUESTED_USAGE_EXCEEDING_LIMIT"),
    entitlement: { usageLimit: 10, currentUsage: 8 },
  }),
  metered("a fraction that fits exactly is granted", "ratio", 0.2, granted),
  metered("a fraction too much is denied", "ratio", 0.21, denied("REQUESTED_USAGE_EXCEEDING_LIMIT")),
  metered("of a limit of 0 nothing is left", "nothing", 1, denied("REQUESTED_USAGE_EXCEEDING_LIMIT")),
  metered("unlimited usage is granted", "exports", 1e9, {
    ...granted,
    entitlement: { isUnlimited: true, currentUsage: 5_000 },
  }),
  metered("above a soft limit is granted", "storage", 5, {
    ...granted,
    entitlement: { usageLimit: 10, currentUsage: 12, hasSoftLimit: true },
  }),
  {
    title: "GetEntitlement decides the same",
    method: "getEntitlement",
    request: seats(3),
    expected: { ...denied("REQUESTED_USAGE_EXCEEDING_LIMIT"), metered: { usageLimit: 10, currentUsage: 8 } },
  },
  {
    title: "GetEntitlementV2 decides the same",
    method: "getEntitlementV2",
    request: seats(3),
    expected: { entitlement: { ...denied("REQUESTED_USAGE_EXCEEDING_LIMIT"), metered: { usageLimit: 10 } } },
  },
  {
    title: "ids are any text",
    method: "getEntitlementV2",
    of: "zoë & söhne/日本 %2F?",
    request: seats(2),
    expected: { entitlement: { ...granted, metered: { currentUsage: 8 } } },
  },
]);

const ENUM = questions("enum features", [
  regions("the values are answered", [], { ...granted, entitlement: { enumValues: ["eu", "us"] } }),
  regions("all of the requested values are granted", ["us", "eu"], granted),
  regions("one value that is not granted denies", ["eu", "mars"], {
    ...denied("REQUESTED_VALUES_MISMATCH"),
    entitlement: { enumValues: ["eu", "us"] },
  }),
  {
    title: "GetEntitlement decides the same",
    method: "getEntitlement",
    request: { featureId: "regions", options: { requestedValues: ["mars"] } },
    expected: { ...denied("REQUESTED_VALUES_MISMATCH"), enum: { enumValues: ["eu", "us"] } },
  },
  {
    title: "GetEntitlementV2 decides the same",
    method: "getEntitlementV2",
    request: { featureId: "regions", options: { requestedValues: ["mars"] } },
    expected: { entitlement: denied("REQUESTED_VALUES_MISMATCH") },
  },
]);

const RESOURCES = questions("resources", [
  {
    title: "a resource has its own plan and usage",
    method: "getMeteredEntitlement",
    request: { resourceId: "site-1", ...seats(1) },
    expected: { ...denied("REQUESTED_USAGE_EXCEEDING_LIMIT"), entitlement: { usageLimit: 3, currentUsage: 3 } },
  },
  {
    title: "what its customer has is not its own",
    method: "getBooleanEntitlement",
    request: { resourceId: "site-1", featureId: "sso" },
    expected: denied("NO_FEATURE_ENTITLEMENT_IN_SUBSCRIPTION"),
  },
  {
    title: "what it has is not its customer's",
    method: "getBooleanEntitlement",
    request: { resourceId: "site-1", featureId: "branding" },
    expected: granted,
  },
  {
    title: "its id is any text",
    method: "getEntitlementV2",
    request: { resourceId: "site 2/é?", ...seats(3) },
    expected: { entitlement: { ...granted, metered: { currentUsage: 0 } } },
  },
  {
    title: "an empty resource id names the customer",
    method: "getMeteredEntitlement",
    request: { resourceId: "", ...seats() },
    expected: { ...granted, entitlement: { usageLimit: 10 } },
  },
]);

const mismatch = fallback(true, "FEATURE_TYPE_MISMATCH");
const KINDS = questions("features of another kind", [
  {
    title: "GetBooleanEntitlement answers the call's fallback",
    method: "getBooleanEntitlement",
    request: { featureId: "seats", options: { fallback: { hasAccess: true } } },
    expected: mismatch,
  },
  {
    title: "GetNumericEntitlement answers the call's fallback",
    method: "getNumericEntitlement",
    request: { featureId: "seats", options: { fallback: { hasAccess: true, value: 7 } } },
    expected: { ...mismatch, entitlement: { value: 7 } },
  },
  {
    title: "GetMeteredEntitlement answers the call's fallback",
    method: "getMeteredEntitlement",
    request: { featureId: "sso", options: { fallback: { hasAccess: true, usageLimit: 7 } } },
    expected: { ...mismatch, entitlement: { usageLimit: 7, currentUsage: 0 } },
  },
  {
    title: "GetEnumEntitlement answers the call's fallback",
    method: "getEnumEntitlement",
    request: { featureId: "retention", options: { fallback: { hasAccess: true, enumValues: ["x"] } } },
    expected: { ...mismatch, entitlement: { enumValues: ["x"] } },
  },
  {
    title: "without a fallback it is denied",
    method: "getNumericEntitlement",
    request: { featureId: "sso" },
    expected: fallback(false, "FEATURE_TYPE_MISMATCH"),
  },
]);

export const CHECK_CASES = [
  ...BOOLEAN,
  ...NUMERIC,
  ...METERED,
  ...ENUM,
  ...RESOURCES,
  ...KINDS,
  ...questions("lists", [
    {
      title: "GetEntitlements lists every feature, and no credits",
      method: "getEntitlements",
      request: {},
      expected: {
        accessDeniedReason: undefined,
        entitlements: (listed: unknown) => {
          const ids = idsOf(listed);
          const right =
            "bytes daily exports history hourly images month-start monthly nothing paid-switch ratio regions requests retention seats sso storage weekly yearly";
          return ids === right ? undefined : `must be of ${right}`;
        },
      },
    },
    {
      title: "GetEntitlements explains an empty list",
      method: "getEntitlements",
      of: "lead",
      request: {},
      expected: { entitlements: [], accessDeniedReason: reason("NO_ACTIVE_SUBSCRIPTION") },
    },
    {
      title: "GetEntitlementsStateV2 lists credits with the features",
      method: "getEntitlementsStateV2",
      request: {},
      expected: {
        entitlements: (listed: unknown) => {
          const wallet = (listed as readonly { readonly credit?: { readonly remaining?: number } }[]).find(
            ({ credit }) => credit !== undefined,
          );
          if (wallet?.credit?.remaining !== 80) return "must have a wallet with 80 credits left";
          return (listed as readonly unknown[]).length === 20 ? undefined : "must have 19 features and a wallet";
        },
      },
    },
    {
      title: "GetEntitlementsStateV2 decides each entry",
      method: "getEntitlementsStateV2",
      of: "revoked",
      request: {},
      expected: {
        entitlements: (listed: unknown) => {
          const seat = entryOf(listed, "seats");
          return seat?.hasAccess === false && seat.accessDeniedReason === reason("REVOKED")
            ? undefined
            : "must list seats, denied as REVOKED";
        },
      },
    },
    {
      title: "GetEntitlementsStateV2 explains an empty list",
      method: "getEntitlementsStateV2",
      of: "archived",
      request: {},
      expected: { entitlements: [], accessDeniedReason: reason("CUSTOMER_IS_ARCHIVED") },
    },
    {
      title: "a resource's list is its own",
      method: "getEntitlements",
      request: { resourceId: "site-1" },
      expected: {
        entitlements: (listed: unknown) =>
          idsOf(listed) === "branding seats" ? undefined : "must be of branding seats",
      },
    },
  ]),
];

interface Entry {
  readonly hasAccess?: boolean;
  readonly accessDeniedReason?: string;
}

/** The id of a list's entry, whatever its kind. */
function idOf(entry: unknown): string | undefined {
  const kind = Object.values(entry as Readonly<Record<string, unknown>>).find(
    (value) => typeof value === "object" && value !== null,
  );
  return (kind as { readonly feature?: { readonly id?: string } } | undefined)?.feature?.id;
}

function idsOf(listed: unknown): string {
  return (listed as readonly unknown[]).map(idOf).sort().join(" ");
}

function entryOf(listed: unknown, id: string): Entry | undefined {
  return (listed as readonly Entry[]).find((entry) => idOf(entry) === id);
}
