import type { AccessDeniedReason } from "./access-denied-reason.js";
import { isUnknown, type CustomerState } from "./customer-state.js";
import { fitsInto } from "./decimal.js";
import type { FeatureDecision, FeatureQuery } from "./decision.js";
import { NO_CONFIGURED_FALLBACKS, resolveFallback, type ConfiguredFallbacks, type FallbackValues } from "./fallback.js";
import type { FeatureEntitlement } from "./entitlement.js";
import { canWalletPay } from "./wallet.js";
import { usageAt, type Usage } from "./usage.js";

/**
 * Decides a check of one feature. A pure function of its arguments.
 *
 * @param now epoch milliseconds
 * @param configured asked only where the answer is a fallback
 */
export function decideFeature(
  state: CustomerState,
  query: FeatureQuery,
  now: number,
  configured: ConfiguredFallbacks = NO_CONFIGURED_FALLBACKS,
): FeatureDecision {
  const entitlement = state.feature(query.featureId);
  if (entitlement === undefined) {
    if (isUnknown(state, "feature", query.featureId)) return decideFeatureWithoutState(query, configured);
    const given = query.fallbackWhenUnknown ? (query.fallback ?? configured.fallbackOf(query.featureId)) : undefined;
    if (given !== undefined) return fallbackDecision(given, "Unknown");
    return denied(state.accessDeniedReason ?? "NoFeatureEntitlementInSubscription", undefined, undefined);
  }
  if (query.kind !== undefined && query.kind !== entitlement.kind) {
    return fallbackDecision(
      resolveFallback(query.fallback, configured.fallbackOf(query.featureId)),
      "FeatureTypeMismatch",
    );
  }
  const usage =
    entitlement.kind === "metered"
      ? usageAt(state.featureUsage(query.featureId), entitlement.resetPeriod, now)
      : undefined;
  const reason = reasonToDeny(state, entitlement, usage, query);
  if (reason !== undefined) return denied(reason, entitlement, usage);
  return { hasAccess: true, accessDeniedReason: undefined, entitlement, usage, fallback: undefined };
}

/** The answer to a check of a feature while no state can be had. */
export function decideFeatureWithoutState(
  query: FeatureQuery,
  configured: ConfiguredFallbacks = NO_CONFIGURED_FALLBACKS,
): FeatureDecision {
  return fallbackDecision(resolveFallback(query.fallback, configured.fallbackOf(query.featureId)), "Unknown");
}

function reasonToDeny(
  state: CustomerState,
  entitlement: FeatureEntitlement,
  usage: Usage | undefined,
  query: FeatureQuery,
): AccessDeniedReason | undefined {
  const wallet = walletThatPaysFor(state, entitlement);
  const own = entitlement.accessDeniedReason;
  // Balances move faster than entitlements: where the wallet is at hand, it decides in place of what was told.
  if (own !== undefined && !(own === "InsufficientCredits" && wallet !== undefined)) return own;
  const byKind = reasonByKind(entitlement, usage, query);
  if (byKind !== undefined || wallet === undefined) return byKind;
  const rate = entitlement.creditRate?.amount ?? 0;
  const walletUsage = state.creditUsage(wallet.currency.currencyId);
  return canWalletPay(wallet, walletUsage, query.requestedUsage, rate) ? undefined : "InsufficientCredits";
}

function walletThatPaysFor(state: CustomerState, { kind, creditRate }: FeatureEntitlement) {
  if (creditRate === undefined || (kind !== "metered" && kind !== "boolean")) return undefined;
  return state.credit(creditRate.currencyId);
}

function reasonByKind(
  entitlement: FeatureEntitlement,
  usage: Usage | undefined,
  query: FeatureQuery,
): AccessDeniedReason | undefined {
  switch (entitlement.kind) {
    case "boolean":
    case "numeric":
      return undefined;
    case "enum":
      return includesAll(entitlement.enumValues, query.requestedValues) ? undefined : "RequestedValuesMismatch";
    case "metered":
      if (entitlement.hasUnlimitedUsage || entitlement.hasSoftLimit) return undefined;
      return fitsInto(entitlement.usageLimit ?? 0, usage?.currentUsage ?? 0, requestedAmount(query))
        ? undefined
        : "RequestedUsageExceedingLimit";
  }
}

/** Less than nothing is nothing: else asking for -1 would grant what asking for nothing denies. */
function requestedAmount({ requestedUsage }: FeatureQuery): number {
  return requestedUsage === undefined || requestedUsage < 0 ? 0 : requestedUsage;
}

function includesAll(allowed: readonly string[], requested: readonly string[]): boolean {
  for (const value of requested) if (!allowed.includes(value)) return false;
  return true;
}

function denied(
  reason: AccessDeniedReason,
  entitlement: FeatureEntitlement | undefined,
  usage: Usage | undefined,
): FeatureDecision {
  return { hasAccess: false, accessDeniedReason: reason, entitlement, usage, fallback: undefined };
}

function fallbackDecision(values: FallbackValues, reason: AccessDeniedReason): FeatureDecision {
  return {
    hasAccess: values.hasAccess,
    accessDeniedReason: reason,
    entitlement: undefined,
    usage: undefined,
    fallback: values,
  };
}
