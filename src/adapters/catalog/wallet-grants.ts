import type { SubjectDefinition } from "./catalog-model.js";
import { isSubscribed, lastSubscriptionChange, nextSubscriptionChange, periodOf } from "./subscription.js";

/** Credits that a wallet holds at one moment. Moments are epoch milliseconds. */
export interface WalletGrants {
  /** In the order in which they are drawn from: what ends sooner goes first. */
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

export function walletGrants(owner: SubjectDefinition, currencyId: string, now: number): WalletGrants {
  const active: ActiveGrant[] = [];
  let hasSoftLimit = false;
  let lastChange = -Infinity;
  let nextChange = Infinity;
  for (const grant of owner.grants.get(currencyId) ?? []) {
    const expiresAt = grant.expiresAt ?? Infinity;
    if (now >= expiresAt) lastChange = Math.max(lastChange, expiresAt);
    else {
      active.push({ key: grant.key, amount: grant.amount, expiresAt });
      hasSoftLimit ||= grant.hasSoftLimit;
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
      });
      hasSoftLimit ||= included.hasSoftLimit;
    }
  }
  return { active: active.sort(bySoonestEnd), hasSoftLimit, periodEnd, lastChange, nextChange };
}

function bySoonestEnd(a: ActiveGrant, b: ActiveGrant): number {
  return a.expiresAt === b.expiresAt ? 0 : a.expiresAt - b.expiresAt;
}
