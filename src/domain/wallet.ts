import type { CreditEntitlement } from "./entitlement.js";
import type { Usage } from "./usage.js";

/** Credits left, below 0 when more was consumed than granted. */
export function creditsLeft(wallet: CreditEntitlement, usage: Usage): number {
  return wallet.usageLimit - usage.currentUsage;
}

/** What is told of the credits left: below 0 only under a soft limit, where a debt is what the customer agreed to. */
export function remainingCredits(wallet: CreditEntitlement, usage: Usage): number {
  const left = creditsLeft(wallet, usage);
  return left < 0 && !wallet.hasSoftLimit ? 0 : left;
}

/** Whether the credits left cover `cost`, or are above 0 where no cost is known. A soft limit covers everything. */
export function coversCost(wallet: CreditEntitlement, usage: Usage, cost: number | undefined): boolean {
  if (wallet.hasSoftLimit) return true;
  const left = creditsLeft(wallet, usage);
  return cost === undefined ? left > 0 : cost <= left;
}

/**
 * Whether a wallet can pay for a feature. A wallet that was itself denied, for example revoked, pays for
 * nothing; that it was told to have too few credits is judged again from its balance.
 */
export function canWalletPay(wallet: CreditEntitlement, usage: Usage, cost: number | undefined): boolean {
  const { accessDeniedReason } = wallet;
  if (accessDeniedReason !== undefined && accessDeniedReason !== "InsufficientCredits") return false;
  return coversCost(wallet, usage, cost);
}
