import type { CreditCurrency } from "../../../domain/credit-currency.js";
import type { CustomerState } from "../../../domain/customer-state.js";
import { decideCredit } from "../../../domain/decision/decide-credit.js";
import type { CreditEntitlement } from "../../../domain/entitlement.js";
import type { Subject } from "../../../domain/subject.js";
import { encodeFeatureEntitlement, encodeOlderEntitlement } from "./encode-feature-entitlement.js";
import { isoTimestamp } from "./encode-timestamp.js";

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
