import type { AccessDeniedReason } from "./access-denied-reason.js";
import { isUnknown, type CustomerState } from "./customer-state.js";
import type { CreditDecision, CreditQuery } from "./decision.js";
import type { CreditEntitlement } from "./entitlement.js";
import { resolveFallback } from "./fallback.js";
import type { Usage } from "./usage.js";
import { coversCost, remainingCredits } from "./wallet.js";

/** Decides a check of one wallet of credits. A pure function of its arguments. */
export function decideCredit(state: CustomerState, query: CreditQuery): CreditDecision {
  const wallet = state.credit(query.currencyId);
  if (wallet === undefined && isUnknown(state, "credit", query.currencyId)) return decideCreditWithoutState(query);
  if (wallet === undefined) return denied(state.accessDeniedReason ?? "EntitlementNotFound", undefined, undefined);
  const usage = state.creditUsage(query.currencyId);
  if (wallet.accessDeniedReason !== undefined) return denied(wallet.accessDeniedReason, wallet, usage);
  if (!coversCost(wallet, usage, query.requestedUsage)) return denied("InsufficientCredits", wallet, usage);
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
