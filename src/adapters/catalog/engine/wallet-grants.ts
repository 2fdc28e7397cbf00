import type { SubjectDefinition } from "../model/catalog-model.js";
import { isSubscribed, lastSubscriptionChange, nextSubscriptionChange, periodOf } from "../model/subscription.js";

/** Credits that a wallet holds at one point in time. Timestamps are epoch milliseconds. */
export interface WalletGrants {
  /** In the order in which they are drawn from. */
  readonly active: readonly ActiveGrant[];
  readonly hasSoftLimit: boolean;
  /** When credits that renew are next granted; undefined: never. */
  readonly periodEnd: number | undefined;
  /** When one of the grants last began or ended, or -Infinity. */
  readonly lastChange: number;
  /** When one of the grants next begins or ends, or Infinity. */
  readonly nextChange: number;
}

export interface ActiveGrant {
  readonly key: string;
  readonly amount: number;
  /** Or Infinity. */
  readonly expiresAt: number;
}

/** What decides when a grant is drawn from; what is not stated comes last, or was always so. */
interface OrderedGrant extends ActiveGrant {
  readonly priority: number;
  readonly isPromotional: boolean;
  readonly effectiveAt: number;
  readonly createdAt: number;
}

export function walletGrants(owner: SubjectDefinition, currencyId: string, now: number): WalletGrants {
  const active: OrderedGrant[] = [];
  let hasSoftLimit = false;
  let lastChange = -Infinity;
  let nextChange = Infinity;
  for (const grant of owner.grants.get(currencyId) ?? []) {
    const effectiveAt = grant.effectiveAt ?? -Infinity;
    const expiresAt = grant.expiresAt ?? Infinity;
    if (now < effectiveAt) nextChange = Math.min(nextChange, effectiveAt);
    else if (now >= expiresAt) lastChange = Math.max(lastChange, expiresAt);
    else {
      active.push({
        key: grant.key,
        amount: grant.amount,
        expiresAt,
        priority: grant.priority ?? Infinity,
        isPromotional: grant.category === "promotional",
        effectiveAt,
        createdAt: grant.createdAt ?? Infinity,
      });
      hasSoftLimit ||= grant.hasSoftLimit;
      lastChange = Math.max(lastChange, effectiveAt);
      nextChange = Math.min(nextChange, expiresAt);
    }
  }
  const included = owner.plan?.includedCredits.get(currencyId);
  let periodEnd: number | undefined;
  if (owner.plan !== undefined && included !== undefined) {
    lastChange = Math.max(lastChange, lastSubscriptionChange(owner, now));
    nextChange = Math.min(nextChange, nextSubscriptionChange(owner, now));
    if (isSubscribed(owner, now)) {
      const period = periodOf(owner, included, now);
      periodEnd = period?.end;
      lastChange = Math.max(lastChange, period?.start ?? -Infinity);
      nextChange = Math.min(nextChange, period?.end ?? Infinity);
      active.push({
        key: `plan ${JSON.stringify(owner.plan.id)}${period === undefined ? "" : ` from ${period.start}`}`,
        amount: included.amount,
        expiresAt: Math.min(period?.end ?? Infinity, owner.validUntil ?? Infinity),
        priority: included.priority ?? Infinity,
        isPromotional: false,
        effectiveAt: period?.start ?? owner.startedAt ?? -Infinity,
        createdAt: Infinity,
      });
      hasSoftLimit ||= included.hasSoftLimit;
    }
  }
  return { active: active.sort(byBurnOrder), hasSoftLimit, periodEnd, lastChange, nextChange };
}

/** Upstream's order; what is equal in all of it stays as it is written. */
function byBurnOrder(a: OrderedGrant, b: OrderedGrant): number {
  return (
    ascending(a.priority, b.priority) ||
    ascending(a.expiresAt, b.expiresAt) ||
    Number(b.isPromotional) - Number(a.isPromotional) ||
    ascending(a.effectiveAt, b.effectiveAt) ||
    ascending(a.createdAt, b.createdAt)
  );
}

/** Unlike a difference, also of what is infinite. */
function ascending(a: number, b: number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
