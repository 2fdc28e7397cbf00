import type { CreditQuery, FeatureQuery } from "./decision.js";

const NO_VALUES: readonly string[] = [];

/** A check of one feature: nothing requested, of whatever kind, without a fallback, but for what is given. */
export function featureQuery(featureId: string, given: Partial<Omit<FeatureQuery, "featureId">> = {}): FeatureQuery {
  return {
    featureId,
    kind: given.kind,
    requestedUsage: given.requestedUsage,
    requestedValues: given.requestedValues ?? NO_VALUES,
    fallback: given.fallback,
    fallbackWhenUnknown: given.fallbackWhenUnknown ?? false,
  };
}

/** The same for a wallet. */
export function creditQuery(currencyId: string, given: Partial<Omit<CreditQuery, "currencyId">> = {}): CreditQuery {
  return { currencyId, requestedUsage: given.requestedUsage, fallback: given.fallback };
}
