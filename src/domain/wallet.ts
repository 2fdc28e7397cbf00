import type { CreditEntitlement } from "./entitlement.js";
import { fitsInto, subtractDecimals, toNumber } from "./usage/decimal.js";
import type { Usage } from "./usage/usage.js";

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
