import type { CustomerState } from "../../../domain/customer-state.js";
import type { AccessDeniedReason } from "../../../domain/decision/access-denied-reason.js";
import { decideCredit } from "../../../domain/decision/decide-credit.js";
import { decideFeature } from "../../../domain/decision/decide-feature.js";
import type { FeatureDecision } from "../../../domain/decision/decision.js";
import type { CreditCurrency, CreditEntitlement, FeatureEntitlement } from "../../../domain/entitlement.js";
import type { Feature } from "../../../domain/feature.js";
import type { Subject } from "../../../domain/subject.js";
import { encodeResetPeriodConfiguration } from "../../../wire/reset-period-configuration.js";

/** Everything of a state, as the newer clients read it. @param now epoch milliseconds */
export function encodeEntitlementsV2(state: CustomerState, now: number) {
  const features = [...state.features()].map((entitlement) => encodeFeatureEntitlement(state, entitlement, now));
  const credits = [...state.credits()].map((entitlement) => encodeCreditEntitlement(state, entitlement));
  return [...features, ...credits];
}

/**
 * What of a state the older clients can read. Why it is empty cannot be said: to them that is a customer
 * who does not exist. @param now epoch milliseconds
 */
export function encodeOlderEntitlements(subject: Subject, state: CustomerState, now: number) {
  return [...state.features()].map((entitlement) => encodeOlderEntitlement(subject, state, entitlement, now));
}

/** A wallet of credits; only the API's newer shape has them. */
export function encodeCreditEntitlement(state: CustomerState, entitlement: CreditEntitlement) {
  const { currencyId } = entitlement.currency;
  const usage = state.creditUsage(currencyId);
  return {
    __typename: "CreditEntitlement",
    isGranted: decideCredit(state, { currencyId, requestedUsage: undefined, fallback: undefined }).hasAccess,
    accessDeniedReason: entitlement.accessDeniedReason ?? null,
    currency: encodeCurrency(entitlement.currency),
    usageLimit: entitlement.usageLimit,
    currentUsage: usage.currentUsage,
    hasSoftLimit: entitlement.hasSoftLimit,
    usageUpdatedAt: isoTimestamp(usage.updatedAt),
    entitlementUpdatedAt: isoTimestamp(state.updatedAt),
    usagePeriodEnd: isoTimestamp(usage.periodEnd),
    validUntil: entitlement.validUntil ?? null,
  };
}

function encodeCurrency(currency: CreditCurrency) {
  return {
    __typename: "CreditCurrency",
    currencyId: currency.currencyId,
    displayName: currency.displayName,
    description: currency.description ?? null,
    unitSingular: currency.unitSingular ?? null,
    unitPlural: currency.unitPlural ?? null,
    additionalMetaData: currency.additionalMetaData ?? null,
  };
}

/** A feature entitlement in the API's newer shape. Its reason is its own: the wallets beside it tell the rest. */
export function encodeFeatureEntitlement(state: CustomerState, entitlement: FeatureEntitlement, now: number) {
  const { hasAccess } = decide(state, entitlement, now);
  return {
    __typename: "FeatureEntitlement",
    isGranted: hasAccess,
    accessDeniedReason: entitlement.accessDeniedReason ?? null,
    ...commonFields(state, entitlement),
  };
}

/**
 * A feature entitlement in the API's older shape, which has no wallets: that a wallet cannot pay for the
 * feature is reported by the feature's own reason, and so is that it can again.
 */
export function encodeOlderEntitlement(
  subject: Subject,
  state: CustomerState,
  entitlement: FeatureEntitlement,
  now: number,
) {
  const decision = decide(state, entitlement, now);
  const common = commonFields(state, entitlement);
  return {
    __typename: "Entitlement",
    isGranted: decision.hasAccess,
    accessDeniedReason: reasonWithWallet(entitlement.accessDeniedReason, decision) ?? null,
    customerId: subject.customerId,
    resourceId: subject.resourceId ?? null,
    ...common,
    requestedUsage: null,
    requestedValues: null,
    nextResetDate: common.usagePeriodEnd,
  };
}

function decide(state: CustomerState, { feature }: FeatureEntitlement, now: number): FeatureDecision {
  const nothingRequested = { kind: undefined, requestedUsage: undefined, requestedValues: [], fallback: undefined };
  return decideFeature(state, { featureId: feature.id, ...nothingRequested, fallbackWhenUnknown: false }, now);
}

function reasonWithWallet(
  own: AccessDeniedReason | undefined,
  decision: FeatureDecision,
): AccessDeniedReason | undefined {
  if (own !== undefined && own !== "InsufficientCredits") return own;
  return decision.accessDeniedReason === "InsufficientCredits" ? "InsufficientCredits" : undefined;
}

function commonFields(state: CustomerState, entitlement: FeatureEntitlement) {
  const { feature, creditRate } = entitlement;
  const usage = state.featureUsage(feature.id);
  return {
    usageLimit: entitlement.usageLimit ?? null,
    hasUnlimitedUsage: entitlement.hasUnlimitedUsage,
    hasSoftLimit: entitlement.hasSoftLimit,
    currentUsage: entitlement.kind === "metered" || creditRate !== undefined ? usage.currentUsage : null,
    enumValues: entitlement.kind === "enum" ? entitlement.enumValues : null,
    entitlementUpdatedAt: isoTimestamp(state.updatedAt),
    usageUpdatedAt: isoTimestamp(usage.updatedAt),
    usagePeriodAnchor: isoTimestamp(usage.periodAnchor),
    usagePeriodStart: isoTimestamp(usage.periodStart),
    usagePeriodEnd: isoTimestamp(usage.periodEnd),
    resetPeriod: entitlement.resetPeriod ?? null,
    resetPeriodConfiguration: encodeResetPeriodConfiguration(
      entitlement.resetPeriod,
      entitlement.resetPeriodConfiguration,
    ),
    feature: encodeFeature(feature),
    creditRate:
      creditRate === undefined
        ? null
        : { __typename: "CreditRate", amount: creditRate.amount, currencyId: creditRate.currencyId },
    validUntil: entitlement.validUntil ?? null,
  } satisfies Record<Exclude<keyof FeatureEntitlement, "kind" | "accessDeniedReason">, unknown> &
    Record<string, unknown>;
}

function encodeFeature(feature: Feature) {
  return {
    __typename: "EntitlementFeature",
    refId: feature.id,
    displayName: feature.displayName ?? feature.id,
    description: null,
    featureType: feature.featureType,
    // Older clients meter a NUMBER feature whose meter is null, so "no meter" is said in words.
    meterType: feature.meterType ?? (feature.featureType === "NUMBER" ? "None" : null),
    featureUnits: feature.units ?? null,
    featureUnitsPlural: feature.unitsPlural ?? null,
    unitTransformation: null,
  };
}

/** Timestamps as the API writes them: ISO text, null where there is none. @param timestamp epoch milliseconds */
export function isoTimestamp(timestamp: number | undefined): string | null {
  return timestamp === undefined ? null : new Date(timestamp).toISOString();
}
