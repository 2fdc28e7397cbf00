import { type CustomerState, isUnknown } from "../customer-state.js";
import type { CreditEntitlement } from "../entitlement.js";
import type { Usage } from "../usage/usage.js";
import { coversCost, remainingCredits } from "../wallet.js";
import type { AccessDeniedReason } from "./access-denied-reason.js";
import type { CreditDecision, CreditQuery, DecisionTrace } from "./decision.js";
import { resolveFallback } from "./fallback.js";

/**
 * Decides a check of one wallet of credits. A pure function of its arguments.
 *
 * @param trace collects each rule, for an explanation
 */
export function decideCredit(state: CustomerState, query: CreditQuery, trace?: DecisionTrace): CreditDecision {
  const wallet = state.credit(query.currencyId);
  trace?.push({
    rule: "entitlement",
    holds: wallet !== undefined,
    saw: { currencyId: query.currencyId, stateReason: state.accessDeniedReason },
  });
  if (wallet === undefined) {
    const cannotBeRead = isUnknown(state, "credit", query.currencyId);
    trace?.push({ rule: "readable", holds: !cannotBeRead, saw: {} });
    if (cannotBeRead) return decideCreditWithoutState(query);
    return denied(state.accessDeniedReason ?? "EntitlementNotFound", undefined, undefined);
  }
  const usage = state.creditUsage(query.currencyId);
  trace?.push({
    rule: "own-reason",
    holds: wallet.accessDeniedReason === undefined,
    saw: { reason: wallet.accessDeniedReason },
  });
  if (wallet.accessDeniedReason !== undefined) return denied(wallet.accessDeniedReason, wallet, usage);
  const isCovered = coversCost(wallet, usage, query.requestedUsage);
  trace?.push({
    rule: "wallet",
    holds: isCovered,
    saw: {
      currencyId: query.currencyId,
      granted: wallet.usageLimit,
      used: usage.currentUsage,
      left: remainingCredits(wallet, usage),
      hasSoftLimit: wallet.hasSoftLimit,
      requested: query.requestedUsage,
    },
  });
  if (!isCovered) return denied("InsufficientCredits", wallet, usage);
  return {
    hasAccess: true,
    accessDeniedReason: undefined,
    entitlement: wallet,
    usage,
    remaining: remainingCredits(wallet, usage),
    fallback: undefined,
  };
}

/** The answer to a check of a wallet while no state can be had. Configured fallbacks name features only. */
export function decideCreditWithoutState(query: CreditQuery): CreditDecision {
  const values = resolveFallback(query.fallback, undefined);
  return {
    hasAccess: values.hasAccess,
    accessDeniedReason: "Unknown",
    entitlement: undefined,
    usage: undefined,
    remaining: 0,
    fallback: values,
  };
}

function denied(
  reason: AccessDeniedReason,
  entitlement: CreditEntitlement | undefined,
  usage: Usage | undefined,
): CreditDecision {
  const remaining = entitlement === undefined || usage === undefined ? 0 : remainingCredits(entitlement, usage);
  return { hasAccess: false, accessDeniedReason: reason, entitlement, usage, remaining, fallback: undefined };
}
