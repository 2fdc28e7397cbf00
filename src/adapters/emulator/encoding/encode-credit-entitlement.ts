import type { CreditCurrency } from "../../../domain/credit-currency.js";
import type { CustomerState } from "../../../domain/customer-state.js";
import { decideCredit } from "../../../domain/decision/decide-credit.js";
import type { CreditEntitlement } from "../../../domain/entitlement.js";
import { isoTimestamp } from "./encode-timestamp.js";

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
