import type {
  CatalogInput,
  CustomerInput,
  EntitlementInput,
  FeatureInput,
  ShortEntitlementInput,
} from "../../../adapters/catalog/file/catalog-input.js";

const counted = (id: string, more: Partial<FeatureInput> = {}): FeatureInput => ({
  id,
  kind: "metered",
  meterType: "Incremental",
  ...more,
});

const FEATURES: readonly FeatureInput[] = [
  { id: "sso", displayName: "Single sign-on", kind: "boolean" },
  { id: "branding", kind: "boolean" },
  { id: "paid-switch", kind: "boolean" },
  { id: "retention", kind: "numeric", units: "day", unitsPlural: "days" },
  { id: "history", kind: "numeric" },
  { id: "regions", kind: "enum", values: ["eu", "us", "mars"] },
  counted("seats", { meterType: "Fluctuating", units: "seat", unitsPlural: "seats" }),
  counted("storage", { meterType: "Fluctuating" }),
  counted("exports"),
  counted("ratio"),
  counted("nothing"),
  counted("images"),
  counted("hourly"),
  counted("daily"),
  counted("weekly"),
  counted("monthly"),
  counted("month-start"),
  counted("yearly"),
  counted("requests", { meter: { event: "conformance_request", aggregation: "count" } }),
  counted("bytes", { meter: { event: "conformance_upload", aggregation: "sum", dimension: "bytes" } }),
];

const PRO: Readonly<Record<string, ShortEntitlementInput | EntitlementInput>> = {
  sso: true,
  "paid-switch": { creditRate: { currency: "ink", amount: 5 } },
  retention: 30,
  history: "unlimited",
  regions: ["eu", "us"],
  seats: 10,
  storage: { limit: 10, softLimit: true },
  exports: "unlimited",
  ratio: 0.3,
  nothing: 0,
  images: { limit: 100, creditRate: { currency: "ink", amount: 4 } },
  hourly: { limit: 100, resetPeriod: "HOUR" },
  daily: { limit: 100, resetPeriod: "DAY" },
  weekly: { limit: 100, resetPeriod: "WEEK", resetAnchor: "EveryMonday" },
  monthly: { limit: 100, resetPeriod: "MONTH" },
  "month-start": { limit: 100, resetPeriod: "MONTH", resetAnchor: "StartOfTheMonth" },
  yearly: { limit: 100, resetPeriod: "YEAR" },
  requests: { limit: 100, resetPeriod: "MONTH" },
  bytes: 1_000,
};

/** On the last day of a month, and not at midnight: from where its periods are counted shows. */
export const STARTED_AT = Date.parse("2024-01-31T09:30:00Z");

const USAGE = {
  seats: 8,
  storage: 12,
  exports: 5_000,
  ratio: 0.1,
  hourly: 3,
  daily: 3,
  weekly: 3,
  monthly: 3,
  yearly: 3,
};

/** Who is on the plan and has used the same, each for the cases that change something of it. */
const SUBSCRIBERS = [
  "acme",
  "zoë & söhne/日本 %2F?",
  "remembered",
  "recovered",
  "adding",
  "giving-back",
  "setting",
  "spending",
  "keyed",
  "bulk",
  "none-of-a-bulk",
  "failing",
  "at-the-limit",
  "events",
  "sums",
  "reloaded",
  "updated",
  "revoked-later",
  "upgraded",
  "removed",
  "granted-later",
] as const;

/** Everything that the cases ask about. @param who makes a customer's id of its name */
export function conformanceCatalog(who: (name: string) => string): CatalogInput {
  return {
    features: FEATURES,
    creditCurrencies: [
      {
        id: "ink",
        displayName: "Ink",
        unitSingular: "drop",
        unitPlural: "drops",
        additionalMetaData: { tier: "gold" },
      },
      { id: "overdraft", displayName: "Overdraft" },
    ],
    plans: [
      { id: "pro", entitlements: PRO },
      { id: "site", entitlements: { seats: 3, branding: true } },
    ],
    customers: customersOf(who),
  };
}

export function customersOf(who: (name: string) => string): readonly CustomerInput[] {
  const subscriber = (name: string): CustomerInput => ({
    id: who(name),
    plan: "pro",
    startedAt: STARTED_AT,
    usage: USAGE,
    creditGrants: [{ id: "first", currency: "ink", amount: 100 }],
    creditsUsed: { ink: 20 },
    resources: [
      { id: "site-1", plan: "site", usage: { seats: 3 } },
      { id: "site 2/é?", plan: "site" },
      { id: "site-closed" },
    ],
  });
  return [
    ...SUBSCRIBERS.map(subscriber),
    { ...subscriber("broke"), creditsUsed: { ink: 100 } },
    {
      ...subscriber("indebted"),
      creditGrants: [{ id: "soft", currency: "overdraft", amount: 10, softLimit: true }],
      creditsUsed: { overdraft: 10 },
    },
    { ...subscriber("revoked"), overrides: { seats: { revoked: true } } },
    { id: who("archived"), plan: "pro", archived: true },
    { id: who("lead") },
    { id: who("trial-is-over"), plan: "pro", startedAt: STARTED_AT, validUntil: "2024-02-15" },
    { id: who("starts-later"), plan: "pro", startedAt: "2999-01-01" },
  ];
}

/** Changes one customer of a catalog. */
export function withCustomer(
  catalog: CatalogInput,
  id: string,
  edit: (customer: CustomerInput) => CustomerInput,
): CatalogInput {
  return { ...catalog, customers: catalog.customers.map((each) => (each.id === id ? edit(each) : each)) };
}
