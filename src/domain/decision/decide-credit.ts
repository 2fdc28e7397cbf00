import { type CustomerState, isUnknown } from "../customer-state.js";
import type { CreditEntitlement } from "../entitlement.js";
import { fitsInto, subtractDecimals, toNumber } from "../usage/decimal.js";
import type { Usage } from "../usage/usage.js";
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

/** What is answered as the credits left: below 0 only under a soft limit, where a debt is what the customer agreed to. */
export function remainingCredits(wallet: CreditEntitlement, usage: Usage): number {
  const left = toNumber(subtractDecimals(wallet.usageLimit, usage.currentUsage));
  return left < 0 && !wallet.hasSoftLimit ? 0 : left;
}

/**
 * Whether the credits left cover `requested` units at `rate` credits each, or are above 0 where none are requested.
 * A soft limit covers everything.
 *
 * @param requested below 0 reads as undefined: nobody gets more by asking for less than nothing
 */
export function coversCost(wallet: CreditEntitlement, usage: Usage, requested: number | undefined, rate = 1): boolean {
  if (wallet.hasSoftLimit) return true;
  if (requested === undefined || requested < 0) return usage.currentUsage < wallet.usageLimit;
  return fitsInto(wallet.usageLimit, usage.currentUsage, requested, rate);
}

/**
 * Whether a wallet can pay for a feature. A wallet that was itself denied, for example revoked, pays for
 * nothing; that it was reported to have too few credits is judged again from its balance.
 */
export function canWalletPay(
  wallet: CreditEntitlement,
  usage: Usage,
  requested: number | undefined,
  rate: number,
): boolean {
  const { accessDeniedReason } = wallet;
  if (accessDeniedReason !== undefined && accessDeniedReason !== "InsufficientCredits") return false;
  return coversCost(wallet, usage, requested, rate);
}
