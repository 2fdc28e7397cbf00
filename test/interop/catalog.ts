import type { CatalogInput } from "../../src/adapters/catalog/file/catalog-input.js";

/** What every client in another language expects to find. Each run of a client has a sidecar of its own. */
export const INTEROP_CATALOG: CatalogInput = {
  features: [
    { id: "sso", displayName: "Single sign-on", kind: "boolean" },
    { id: "white-label", displayName: "White label", kind: "boolean" },
    { id: "retention-days", displayName: "Days of retention", kind: "numeric" },
    {
      id: "seats",
      displayName: "Seats",
      kind: "metered",
      meterType: "Fluctuating",
      units: "seat",
      unitsPlural: "seats",
    },
    { id: "api-calls", displayName: "API calls", kind: "metered", meterType: "Incremental" },
    { id: "completions", displayName: "Completions", kind: "metered", meterType: "Incremental" },
    {
      id: "exported-mb",
      displayName: "Exported megabytes",
      kind: "metered",
      meterType: "Incremental",
      meter: { event: "export.finished", aggregation: "sum", dimension: "megabytes" },
    },
    { id: "regions", displayName: "Regions", kind: "enum", values: ["eu", "us", "mars"] },
  ],
  creditCurrencies: [
    {
      id: "tokens",
      displayName: "Tokens",
      unitSingular: "token",
      unitPlural: "tokens",
      additionalMetaData: { tier: "gold" },
    },
  ],
  plans: [
    {
      id: "pro",
      entitlements: {
        sso: true,
        "retention-days": 30,
        seats: { limit: 10 },
        "api-calls": { limit: 1000, resetPeriod: "MONTH" },
        completions: { unlimited: true, creditRate: { currency: "tokens", amount: 2 } },
        "exported-mb": { limit: 50, resetPeriod: "MONTH" },
        regions: ["eu", "us"],
      },
    },
    { id: "basic", entitlements: { sso: true } },
    { id: "site", entitlements: { "white-label": true } },
  ],
  customers: [
    {
      id: "acme",
      plan: "pro",
      usage: { seats: 3 },
      creditGrants: [{ currency: "tokens", amount: 500 }],
      resources: [{ id: "site-1", plan: "site" }],
    },
    { id: "zoë & söhne/日本", plan: "basic" },
  ],
};

/** The checks that every client makes, by the names under which it reports them. */
export const INTEROP_CHECKS: readonly string[] = [
  "GetEntitlements lists every kind of feature",
  "GetEntitlements explains an empty list",
  "GetEntitlementsStateV2 lists features and credits",
  "GetEntitlement answers in the feature's own kind",
  "GetEntitlement answers the request's fallback for an unknown feature",
  "GetBooleanEntitlement grants",
  "GetBooleanEntitlement tells another kind from its own",
  "GetBooleanEntitlement knows a resource's own plan",
  "GetBooleanEntitlement takes ids beyond ASCII",
  "GetNumericEntitlement answers the configured number",
  "GetMeteredEntitlement denies what exceeds the limit",
  "GetEnumEntitlement grants values that are among its own",
  "GetEnumEntitlement denies a value too many",
  "GetEntitlementV2 answers for a feature",
  "GetEntitlementV2 answers for credits",
  "ReportUsage adds, and the next check knows",
  "ReportUsage takes usage back",
  "ReportUsage sets",
  "ReportUsage draws credits",
  "ReportUsageBulk answers each report in order",
  "ReportEvents feeds a meter, once for each key",
  "ReloadEntitlements tells whether there is someone",
  "an empty customer_id is refused by name",
  "GetEntitlementV2 for a feature and credits at once is refused",
  "a number that is none is refused by name",
  "an unknown method is unimplemented",
  "a gzip request is answered",
  "a deadline that leaves time is met",
  "a deadline that has passed is reported",
  "many calls share a connection",
];

/** The same, where 10,000 calls are made, many at a time, half of them cancelled. */
export const STORM_CHECKS: readonly string[] = [
  "in a storm no call fails that nobody cancelled",
  "in a storm a cancelled call is cancelled or answered",
  "in a storm a deadline is met or has passed",
];

/** What a client reports that finds nothing amiss. */
export function allOk(checks: readonly string[]) {
  return checks.map((check) => ({ check, ok: true }));
}
