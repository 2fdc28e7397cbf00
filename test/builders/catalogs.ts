import fc from "fast-check";
import type {
  CatalogInput,
  CustomerInput,
  PlanInput,
  ResourceInput,
} from "../../src/adapters/catalog/file/catalog-input.js";
import type { Subject } from "../../src/domain/subject.js";
import type { UsageEvent, UsageReport } from "../../src/domain/usage/usage-report.js";

/** The time at which random catalogs are first served; their dates lie around it. */
export const CATALOG_NOW = Date.UTC(2026, 4, 20, 10, 30, 0, 1);

const DAY_MS = 86_400_000;
const METERED = ["calls", "seats", "words"] as const;
const CUSTOMERS = ["c1", "c2", "__proto__"] as const;
const RESOURCES = ["r1", "r2"] as const;
const CURRENCIES = ["ink", "gold"] as const;

/** Everyone who may be in a random catalog, and some who are in none. */
export const CATALOG_SUBJECTS: readonly Subject[] = [...CUSTOMERS, "nobody"].flatMap((customerId) => [
  { customerId },
  ...[...RESOURCES, "nowhere"].map((resourceId) => ({ customerId, resourceId })),
]);

const features = (displayName: string | undefined): CatalogInput["features"] => [
  { id: "sso", kind: "boolean", ...(displayName === undefined ? {} : { displayName }) },
  { id: "days", kind: "numeric" },
  { id: "formats", kind: "enum", values: ["pdf", "html", "docx"] },
  { id: "calls", kind: "metered", meter: { event: "call" } },
  { id: "seats", kind: "metered", meterType: "Fluctuating" },
  {
    id: "words",
    kind: "metered",
    meter: { event: "call", aggregation: "sum", dimension: "words", where: { paid: true } },
  },
];

const timestamp = fc.integer({ min: -60, max: 60 }).map((days) => CATALOG_NOW + days * DAY_MS + 12_345);
const past = fc.integer({ min: -400, max: 0 }).map((days) => CATALOG_NOW + days * DAY_MS);
const amount = fc.integer({ min: 0, max: 50 });
const creditRate = fc.record({ currency: fc.constantFrom(...CURRENCIES), amount: fc.constantFrom(0.5, 1, 3) });
const resetPeriod = fc.constantFrom("YEAR", "MONTH", "WEEK", "DAY", "HOUR");

/** Leaves fields out, as people do, and never has one that is undefined. */
function some<T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<Partial<T>> {
  return fc.record(model, { requiredKeys: [] }) as fc.Arbitrary<Partial<T>>;
}

const metered = fc.oneof(
  amount,
  fc.constant("unlimited" as const),
  fc.record({ limit: amount, resetPeriod, softLimit: fc.boolean() }),
  fc.record({
    limit: amount,
    resetPeriod: fc.constant("MONTH" as const),
    resetAnchor: fc.constant("StartOfTheMonth" as const),
  }),
  fc.record({ creditRate, resetPeriod }),
  fc.record({ creditRate }),
);

const entitlements = some({
  sso: fc.oneof(fc.boolean(), fc.record({ revoked: fc.boolean() }), fc.record({ creditRate })),
  days: fc.oneof(amount, fc.constant("unlimited" as const)),
  formats: fc.subarray(["pdf", "html", "docx"]),
  calls: metered,
  seats: metered,
  words: metered,
});

const override = fc.oneof(metered, fc.constant(false as const), fc.record({ limit: amount, validUntil: timestamp }));
const overrides = some({ sso: fc.boolean(), calls: override, seats: override, words: override });

const plan = (id: string): fc.Arbitrary<PlanInput> =>
  fc.record(
    {
      id: fc.constant(id),
      entitlements,
      includedCredits: fc.uniqueArray(
        fc.oneof(
          fc.record({ currency: fc.constantFrom(...CURRENCIES), amount, resetPeriod }),
          fc.record({ currency: fc.constantFrom(...CURRENCIES), amount, softLimit: fc.boolean() }),
        ),
        { selector: ({ currency }) => currency, maxLength: 2 },
      ),
    },
    { requiredKeys: ["id"] },
  );

const subscription = {
  plan: fc.constantFrom("free", "pro"),
  startedAt: past,
  validUntil: timestamp,
  overrides,
  creditGrants: fc.array(fc.record({ currency: fc.constantFrom(...CURRENCIES), amount, expiresAt: timestamp }), {
    maxLength: 3,
  }),
  usage: some({ calls: amount, seats: amount, words: amount }),
};

const resource = (id: string): fc.Arbitrary<ResourceInput> =>
  fc.record({ id: fc.constant(id), ...subscription }, { requiredKeys: ["id"] });

const customer = (id: string): fc.Arbitrary<CustomerInput> =>
  fc
    .record(
      {
        id: fc.constant(id),
        ...subscription,
        archived: fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
        resources: fc.subarray([...RESOURCES]).chain((ids) => fc.tuple(...ids.map(resource))),
        used: amount,
      },
      { requiredKeys: ["id"] },
    )
    // Credits can only be used where there is a wallet.
    .map(({ used, ...rest }) => {
      const currency = rest.creditGrants?.[0]?.currency;
      return used === undefined || currency === undefined ? rest : { ...rest, creditsUsed: { [currency]: used } };
    });

/** Catalogs of the same names, so that one is an edit of another. */
export const anyCatalog: fc.Arbitrary<CatalogInput> = fc
  .record({
    plans: fc.tuple(plan("free"), plan("pro")),
    customers: fc.subarray([...CUSTOMERS]).chain((ids) => fc.tuple(...ids.map(customer))),
    displayName: fc.constantFrom(undefined, undefined, "Single sign-on"),
  })
  .map(({ plans, customers, displayName }) => ({
    features: features(displayName),
    creditCurrencies: CURRENCIES.map((id) => ({ id })),
    plans,
    customers,
  }));

const subject: fc.Arbitrary<Subject> = fc.record({
  customerId: fc.constantFrom(...CUSTOMERS),
  resourceId: fc.option(fc.constantFrom(...RESOURCES), { nil: undefined }),
});

/** Few keys, so that some are used again. */
const idempotencyKey = fc.integer({ min: 0, max: 200 }).map(String);
const ago = fc.option(fc.constantFrom(0, 1000, DAY_MS / 2, 20 * DAY_MS), { nil: undefined });

export const anyReport: fc.Arbitrary<UsageReport & { readonly ago: number | undefined }> = fc
  .record({
    subject,
    featureId: fc.constantFrom(...METERED),
    value: fc.integer({ min: -5, max: 20 }),
    updateBehavior: fc.constantFrom("DELTA" as const, "DELTA" as const, "SET" as const),
    idempotencyKey,
    ago,
  })
  .map((report) => ({
    ...report,
    value: report.updateBehavior === "SET" ? Math.abs(report.value) : report.value,
    dimensions: new Map(),
    timestamp: undefined,
  }));

export const anyEvent: fc.Arbitrary<UsageEvent> = fc
  .record({
    subject,
    eventName: fc.constantFrom("call", "call", "sign-in"),
    idempotencyKey,
    words: amount,
    paid: fc.boolean(),
  })
  .map(({ words, paid, ...event }) => ({
    ...event,
    dimensions: new Map<string, number | boolean>([
      ["words", words],
      ["paid", paid],
    ]),
    timestamp: undefined,
  }));
