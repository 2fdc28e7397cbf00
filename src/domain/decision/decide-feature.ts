import { type CustomerState, isUnknown } from "../customer-state.js";
import type { CreditEntitlement, FeatureEntitlement } from "../entitlement.js";
import type { FeatureKind } from "../feature.js";
import { fitsInto } from "../usage/decimal.js";
import { type Usage, usageAt } from "../usage/usage.js";
import type { AccessDeniedReason } from "./access-denied-reason.js";
import { canWalletPay, remainingCredits } from "./decide-credit.js";
import {
  type DecisionTrace,
  fallbackDecision,
  type FeatureDecision,
  type FeatureQuery,
  type RuleOutcome,
} from "./decision.js";
import { type ConfiguredFallbacks, NO_CONFIGURED_FALLBACKS, resolveFallback } from "./fallback.js";

/**
 * Decides a check of one feature. A pure function of its arguments.
 *
 * @param now epoch milliseconds
 * @param configured asked only where the answer is a fallback
 * @param trace collects each rule, for an explanation
 */
export function decideFeature(
  state: CustomerState,
  query: FeatureQuery,
  now: number,
  configured: ConfiguredFallbacks = NO_CONFIGURED_FALLBACKS,
  trace?: DecisionTrace,
): FeatureDecision {
  const entitlement = state.feature(query.featureId);
  trace?.push(entitlementRule(state, query, entitlement));
  if (entitlement === undefined) return decideUnknownFeature(state, query, configured, trace);
  if (query.kind !== undefined) {
    trace?.push(kindRule(query.kind, entitlement));
    if (query.kind !== entitlement.kind) return decideOtherKind(query, configured);
  }
  const usage =
    entitlement.kind === "metered"
      ? usageAt(state.featureUsage(query.featureId), entitlement.resetPeriod, now)
      : undefined;
  const reason = reasonToDeny(state, entitlement, usage, query, trace);
  if (reason !== undefined) return denied(reason, entitlement, usage);
  return { hasAccess: true, accessDeniedReason: undefined, entitlement, usage, fallback: undefined };
}

function decideUnknownFeature(
  state: CustomerState,
  query: FeatureQuery,
  configured: ConfiguredFallbacks,
  trace: DecisionTrace | undefined,
): FeatureDecision {
  const cannotBeRead = isUnknown(state, "feature", query.featureId);
  trace?.push({ rule: "readable", holds: !cannotBeRead, saw: {} });
  if (cannotBeRead) return decideFeatureWithoutState(query, configured);
  const given = query.fallbackWhenUnknown ? (query.fallback ?? configured.fallbackOf(query.featureId)) : undefined;
  if (query.fallbackWhenUnknown)
    trace?.push({
      rule: "unknown-feature-fallback",
      holds: given === undefined,
      saw: { hasAccess: given?.hasAccess },
    });
  if (given !== undefined) return fallbackDecision(given, "Unknown");
  return denied(state.accessDeniedReason ?? "NoFeatureEntitlementInSubscription", undefined, undefined);
}

function decideOtherKind(query: FeatureQuery, configured: ConfiguredFallbacks): FeatureDecision {
  return fallbackDecision(
    resolveFallback(query.fallback, configured.fallbackOf(query.featureId)),
    "FeatureTypeMismatch",
  );
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
  trace: DecisionTrace | undefined,
): AccessDeniedReason | undefined {
  const wallet = walletThatPaysFor(state, entitlement);
  const own = entitlement.accessDeniedReason;
  // Balances move faster than entitlements: where the wallet is cached, it decides in place of what was reported.
  const isDenied = own !== undefined && !(own === "InsufficientCredits" && wallet !== undefined);
  trace?.push(ownReasonRule(own, isDenied));
  if (isDenied) return own;
  const byKind = reasonByKind(entitlement, usage, query, trace);
  if (byKind !== undefined || wallet === undefined) return byKind;
  const rate = entitlement.creditRate?.amount ?? 0;
  const walletUsage = state.creditUsage(wallet.currency.currencyId);
  const pays = canWalletPay(wallet, walletUsage, query.requestedUsage, rate);
  trace?.push(walletRule(wallet, walletUsage, query, rate, pays));
  return pays ? undefined : "InsufficientCredits";
}

function walletThatPaysFor(state: CustomerState, { kind, creditRate }: FeatureEntitlement) {
  if (creditRate === undefined || (kind !== "metered" && kind !== "boolean")) return undefined;
  return state.credit(creditRate.currencyId);
}

function reasonByKind(
  entitlement: FeatureEntitlement,
  usage: Usage | undefined,
  query: FeatureQuery,
  trace: DecisionTrace | undefined,
): AccessDeniedReason | undefined {
  switch (entitlement.kind) {
    case "boolean":
    case "numeric":
      return undefined;
    case "enum": {
      const areAllowed = includesAll(entitlement.enumValues, query.requestedValues);
      trace?.push(valuesRule(entitlement, query, areAllowed));
      return areAllowed ? undefined : "RequestedValuesMismatch";
    }
    case "metered": {
      const { hasUnlimitedUsage: isUnlimited, hasSoftLimit, usageLimit: limit = 0 } = entitlement;
      const used = usage?.currentUsage ?? 0;
      const fits = isUnlimited || hasSoftLimit || fitsInto(limit, used, requestedAmount(query));
      trace?.push(limitRule(entitlement, used, query, fits));
      return fits ? undefined : "RequestedUsageExceedingLimit";
    }
  }
}

// What a rule saw is put together apart from the decision: the code that a check does not run is else too much of it to be inlined.

function entitlementRule(
  { accessDeniedReason: stateReason }: CustomerState,
  { featureId }: FeatureQuery,
  entitlement: FeatureEntitlement | undefined,
): RuleOutcome {
  return { rule: "entitlement", holds: entitlement !== undefined, saw: { featureId, stateReason } };
}

function kindRule(asked: FeatureKind, { kind: is }: FeatureEntitlement): RuleOutcome {
  return { rule: "kind", holds: asked === is, saw: { asked, is } };
}

function ownReasonRule(reason: AccessDeniedReason | undefined, isDenied: boolean): RuleOutcome {
  return { rule: "own-reason", holds: !isDenied, saw: { reason } };
}

function valuesRule(
  { enumValues: allowed }: FeatureEntitlement,
  { requestedValues: requested }: FeatureQuery,
  holds: boolean,
): RuleOutcome {
  return { rule: "values", holds, saw: { allowed, requested } };
}

function limitRule(
  { hasUnlimitedUsage: isUnlimited, hasSoftLimit, usageLimit = 0 }: FeatureEntitlement,
  used: number,
  query: FeatureQuery,
  holds: boolean,
): RuleOutcome {
  const limit = isUnlimited ? undefined : usageLimit;
  return { rule: "limit", holds, saw: { limit, isUnlimited, hasSoftLimit, used, requested: requestedAmount(query) } };
}

function walletRule(
  wallet: CreditEntitlement,
  usage: Usage,
  { requestedUsage: requested }: FeatureQuery,
  rate: number,
  holds: boolean,
): RuleOutcome {
  const { currency, usageLimit: granted, hasSoftLimit, accessDeniedReason: reason } = wallet;
  const used = usage.currentUsage;
  const left = remainingCredits(wallet, usage);
  return {
    rule: "wallet",
    holds,
    saw: { currencyId: currency.currencyId, granted, used, left, hasSoftLimit, reason, requested, rate },
  };
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
