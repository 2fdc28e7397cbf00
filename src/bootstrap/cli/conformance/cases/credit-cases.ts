import type { Expected } from "../conformance-case.js";
import { denied, granted, type Question, questions } from "./questions.js";

const insufficient = denied("INSUFFICIENT_CREDITS");
const wallet = (
  title: string,
  of: string,
  currencyId: string,
  requestedUsage: number | undefined,
  entitlement: Expected,
): Question => ({
  title,
  method: "getEntitlementV2",
  of,
  request: { currencyId, options: requestedUsage === undefined ? {} : { requestedUsage } },
  expected: { entitlement },
});
const images = (title: string, of: string, requestedUsage: number, expected: Expected): Question => ({
  title,
  method: "getMeteredEntitlement",
  of,
  request: { featureId: "images", options: { requestedUsage } },
  expected,
});

export const CREDIT_CASES = questions("credits", [
  wallet("a wallet tells what was granted, consumed and remains", "acme", "ink", undefined, {
    ...granted,
    credit: {
      usageLimit: 100,
      currentUsage: 20,
      remaining: 80,
      hasSoftLimit: false,
      currency: { currencyId: "ink", displayName: "Ink", unitSingular: "drop", additionalMetaData: { tier: "gold" } },
    },
  }),
  wallet("all that remains is granted", "acme", "ink", 80, granted),
  wallet("one more than remains is denied", "acme", "ink", 81, insufficient),
  wallet("an empty wallet is denied, whatever is asked", "broke", "ink", undefined, {
    ...insufficient,
    credit: { remaining: 0 },
  }),
  wallet("a soft limit grants beyond what remains", "indebted", "overdraft", 1_000, {
    ...granted,
    credit: { remaining: 0, hasSoftLimit: true },
  }),
  wallet("a currency that the customer has no credits of is denied", "acme", "gold", undefined, {
    ...denied("ENTITLEMENT_NOT_FOUND"),
    credit: undefined,
  }),
  images("a feature is granted that its wallet can pay for", "acme", 20, granted),
  images("a feature is denied that its wallet cannot pay for", "acme", 21, insufficient),
  images("its own limit counts as well", "acme", 101, denied("REQUESTED_USAGE_EXCEEDING_LIMIT")),
  images("of an empty wallet nothing is granted", "broke", 1, insufficient),
  {
    title: "a boolean feature is paid for, too",
    method: "getBooleanEntitlement",
    request: { featureId: "paid-switch" },
    expected: granted,
  },
  {
    title: "a boolean feature is denied where nothing remains",
    method: "getBooleanEntitlement",
    of: "broke",
    request: { featureId: "paid-switch" },
    expected: insufficient,
  },
  {
    title: "a resource pays from its customer's wallet",
    method: "getEntitlementV2",
    request: { resourceId: "site-1", currencyId: "ink", options: { requestedUsage: 81 } },
    expected: { entitlement: { hasAccess: false } },
  },
]);
