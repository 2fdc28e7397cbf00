import type { CatalogInput, SubscriptionInput } from "../../src/adapters/catalog/file/catalog-input.js";

type Customer = CatalogInput["customers"][number];

/** A small catalog with one feature of every kind. Acme has all of them; its ids and resources are as awkward as ids can be. */
export function inkwell(acme: Partial<Omit<SubscriptionInput, "id">> = {}): CatalogInput {
  const customers: Customer[] = [
    {
      id: "acme",
      plan: "pro",
      usage: { seats: 8, calls: 3 },
      creditGrants: [{ currency: "ink", amount: 100 }],
      resources: [{ id: "site 1/eu+west?", plan: "pro", usage: { seats: 2 } }],
      ...acme,
    },
    { id: "Ünï/cödé & co?", plan: "pro", usage: { seats: 5 } },
    { id: "guest" },
    { id: "former", plan: "pro", archived: true },
  ];
  return {
    features: [
      { id: "sso", displayName: "Single sign-on", kind: "boolean" },
      { id: "retention", kind: "numeric", units: "day", unitsPlural: "days" },
      { id: "formats", kind: "enum", values: ["pdf", "html", "docx"] },
      { id: "seats", kind: "metered", meterType: "Fluctuating", units: "seat", unitsPlural: "seats" },
      { id: "calls", kind: "metered", meter: { event: "api_request" } },
      { id: "images", kind: "metered" },
    ],
    creditCurrencies: [
      {
        id: "ink",
        displayName: "Ink",
        unitSingular: "drop",
        unitPlural: "drops",
        additionalMetaData: { colour: "black" },
      },
    ],
    plans: [
      {
        id: "pro",
        entitlements: {
          sso: true,
          retention: 30,
          formats: ["pdf", "html"],
          seats: 10,
          calls: { limit: 1000, resetPeriod: "MONTH", resetAnchor: "StartOfTheMonth" },
          images: { unlimited: true, creditRate: { currency: "ink", amount: 10 } },
        },
      },
    ],
    customers,
  };
}
