import type { CreditQuery, FeatureQuery } from "../../src/domain/decision/decision.js";
import type { ConfiguredFallbacks, FallbackValues } from "../../src/domain/decision/fallback.js";

/** A check of a feature that names no kind, requests nothing and brings no fallback, unless said otherwise. */
export function featureQuery(featureId: string, parts: Partial<Omit<FeatureQuery, "featureId">> = {}): FeatureQuery {
  return {
    featureId,
    kind: undefined,
    requestedUsage: undefined,
    requestedValues: [],
    fallback: undefined,
    fallbackWhenUnknown: false,
    ...parts,
  };
}

export function creditQuery(currencyId: string, parts: Partial<Omit<CreditQuery, "currencyId">> = {}): CreditQuery {
  return { currencyId, requestedUsage: undefined, fallback: undefined, ...parts };
}

export function configured(fallbacks: Readonly<Record<string, FallbackValues>>): ConfiguredFallbacks {
  const byFeature = new Map(Object.entries(fallbacks));
  return { fallbackOf: (featureId) => byFeature.get(featureId) };
}
