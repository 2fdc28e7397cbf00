import fc from "fast-check";
import {
  buildCustomerState,
  type CreditEntitlementInput,
  type CustomerStateInput,
  type FeatureEntitlementInput,
} from "../../src/domain/build-customer-state.js";
import { ACCESS_DENIED_REASONS } from "../../src/domain/decision/access-denied-reason.js";
import type { CreditQuery, FeatureQuery } from "../../src/domain/decision/decision.js";
import type { FallbackValues } from "../../src/domain/decision/fallback.js";
import type { Feature } from "../../src/domain/feature.js";
import type { Usage } from "../../src/domain/usage/usage.js";
import { RESET_PERIODS } from "../../src/domain/usage/usage-period.js";

/** Few ids, so that queries often meet what a state has. */
export const FEATURE_IDS = ["f1", "f2", "f3"] as const;
export const CURRENCY_IDS = ["c1", "c2"] as const;

export const optional = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined });

const FROM = Date.UTC(2020, 0);
const TO = Date.UTC(2030, 0);

/** Epoch milliseconds within ten years, so that periods are often over and often not. */
export const times = fc.integer({ min: FROM, max: TO });
/** Whole and broken, small and large, so that sums are often just at a limit. */
export const amounts = fc.oneof(
  fc.integer({ min: 0, max: 20 }),
  fc.integer({ min: 0, max: 80 }).map((n) => n / 4),
  fc.integer({ min: 0, max: 2 ** 40 }),
);
export const requests = fc.oneof(
  amounts,
  amounts.map((n) => -n),
);
export const resetPeriods = fc.constantFrom(...RESET_PERIODS);
export const reasons = fc.constantFrom(...ACCESS_DENIED_REASONS);
export const enumValues = fc.array(fc.constantFrom("a", "b", "c", "A", ""), { maxLength: 4 });

/** A reason, seldom: what is denied outright never comes to the rules of its kind. */
const seldom = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });

export const features = (id: fc.Arbitrary<string> = fc.constantFrom(...FEATURE_IDS)): fc.Arbitrary<Feature> =>
  fc.record({
    id,
    featureType: fc.constantFrom("BOOLEAN", "NUMBER", "NUMBER", "NUMBER", "ENUM"),
    meterType: fc.constantFrom("None", "Fluctuating", "Incremental", undefined),
  });

export const usages: fc.Arbitrary<Usage> = fc.record({
  currentUsage: amounts,
  periodAnchor: optional(times),
  periodStart: optional(times),
  periodEnd: optional(times),
  updatedAt: optional(times),
});

export const featureEntitlements = (id?: fc.Arbitrary<string>): fc.Arbitrary<FeatureEntitlementInput> =>
  fc.record({
    feature: features(id),
    usageLimit: fc.option(amounts, { nil: null }),
    hasUnlimitedUsage: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, fc.boolean()),
    hasSoftLimit: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, fc.boolean()),
    enumValues,
    accessDeniedReason: seldom(fc.oneof(reasons, fc.constant("InsufficientCredits" as const))),
    validUntil: seldom(times),
    creditRate: optional(fc.record({ amount: amounts, currencyId: fc.constantFrom(...CURRENCY_IDS) })),
    resetPeriod: optional(resetPeriods),
    usage: optional(usages),
  });

export const creditEntitlements: fc.Arbitrary<CreditEntitlementInput> = fc.record({
  currency: fc.constantFrom(...CURRENCY_IDS).map((currencyId) => ({ currencyId, displayName: currencyId })),
  usageLimit: amounts,
  hasSoftLimit: fc.boolean(),
  accessDeniedReason: seldom(reasons),
  usage: optional(usages),
});

export const stateInputs: fc.Arbitrary<CustomerStateInput> = fc.record({
  features: fc.array(featureEntitlements(), { maxLength: 4 }),
  credits: fc.array(creditEntitlements, { maxLength: 2 }),
  accessDeniedReason: seldom(reasons),
  updatedAt: optional(times),
  includesWallets: fc.boolean(),
});

export const states = stateInputs.map(buildCustomerState);

export const fallbackValues: fc.Arbitrary<FallbackValues> = fc.record({
  hasAccess: fc.boolean(),
  usageLimit: optional(amounts),
  isUnlimited: optional(fc.boolean()),
  value: optional(amounts),
  enumValues: optional(enumValues),
});

export const featureQueries: fc.Arbitrary<FeatureQuery> = fc.record({
  featureId: fc.constantFrom(...FEATURE_IDS, "unknown"),
  kind: fc.constantFrom(undefined, undefined, "boolean", "numeric", "metered", "enum"),
  requestedUsage: optional(requests),
  requestedValues: enumValues,
  fallback: optional(fallbackValues),
  fallbackWhenUnknown: fc.boolean(),
});

export const creditQueries: fc.Arbitrary<CreditQuery> = fc.record({
  currencyId: fc.constantFrom(...CURRENCY_IDS, "unknown"),
  requestedUsage: optional(requests),
  fallback: optional(fallbackValues),
});
