import { addDecimals, compareDecimals, type Decimal, subtractDecimals } from "../../../domain/usage/decimal.js";
import type { DrawnCredits, WalletEntry } from "../ledger/ledger-entry.js";
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

/**
 * How many grants are remembered beside those that are active, the latest drawn from. One that ended may be active
 * again, where a clock that was ahead is set right or the catalog gives it more time.
 */
const MAX_OTHER_GRANTS = 16;

/**
 * What is drawn from a wallet after `cost` more credits. What the grants do not cover is an overdraft, which is a debt
 * that later grants pay. A cost below 0 gives credits back in the opposite order, never more than were drawn.
 *
 * @param grants those that are active, in the order to draw from
 */
export function drawCredits(
  entry: WalletEntry | undefined,
  grants: readonly ActiveGrant[],
  cost: Decimal,
): Pick<WalletEntry, "drawn" | "overdraft"> {
  const drawn = new Map(entry?.drawn);
  const before = entry?.overdraft ?? 0;
  const overdraft =
    compareDecimals(cost, 0) < 0
      ? returnCredits(drawn, grants, before, subtractDecimals(0, cost))
      : draw(drawn, grants, addDecimals(before, cost));
  return { drawn: withoutEarliest(drawn, grants), overdraft };
}

/** Credits consumed of the grants that are active, and beyond them. */
export function consumedCredits(entry: WalletEntry | undefined, grants: readonly ActiveGrant[]): Decimal {
  if (entry === undefined) return 0;
  return grants.reduce(
    (consumed, { key }) => addDecimals(consumed, entry.drawn.get(key)?.amount ?? 0),
    entry.overdraft,
  );
}

function draw(drawn: Map<string, DrawnCredits>, grants: readonly ActiveGrant[], owed: Decimal): Decimal {
  let left = owed;
  for (const { key, amount, expiresAt } of grants) {
    const already = drawn.get(key)?.amount ?? 0;
    const taken = smaller(left, subtractDecimals(amount, already));
    if (compareDecimals(taken, 0) <= 0) continue;
    // Deleted first: those drawn from last are at the end.
    drawn.delete(key);
    drawn.set(key, { amount: addDecimals(already, taken), expiresAt });
    left = subtractDecimals(left, taken);
  }
  return left;
}

function returnCredits(
  drawn: Map<string, DrawnCredits>,
  grants: readonly ActiveGrant[],
  overdraft: Decimal,
  credits: Decimal,
): Decimal {
  let left = subtractDecimals(credits, smaller(credits, overdraft));
  for (const { key, expiresAt } of [...grants].reverse()) {
    const already = drawn.get(key)?.amount ?? 0;
    const returned = smaller(left, already);
    if (compareDecimals(returned, 0) <= 0) continue;
    drawn.set(key, { amount: subtractDecimals(already, returned), expiresAt });
    left = subtractDecimals(left, returned);
  }
  const owed = subtractDecimals(overdraft, credits);
  return compareDecimals(owed, 0) < 0 ? 0 : owed;
}

function withoutEarliest(drawn: Map<string, DrawnCredits>, grants: readonly ActiveGrant[]): Map<string, DrawnCredits> {
  const active = new Set(grants.map(({ key }) => key));
  const others = [...drawn.keys()].filter((key) => !active.has(key));
  for (const key of others.slice(0, -MAX_OTHER_GRANTS)) drawn.delete(key);
  return drawn;
}

function smaller(a: Decimal, b: Decimal): Decimal {
  return compareDecimals(a, b) < 0 ? a : b;
}

/** Some years of days: what is owed after that many periods is not paid by more of them. */
const MAX_PERIODS = 2_000;

/**
 * What a wallet owes at `now`. The next grant pays a debt, also one that has begun and ended since the wallet was last
 * drawn from, and then it is paid. Those that are active at `now` are left to whoever draws from them.
 */
export function overdraftAt(entry: WalletEntry, owner: SubjectDefinition, currencyId: string, now: number): Decimal {
  let owed = entry.overdraft;
  if (compareDecimals(owed, 0) <= 0) return owed;
  for (const amount of endedSince(owner, currencyId, entry.updatedAt, now)) {
    const left = subtractDecimals(owed, amount);
    if (compareDecimals(left, 0) <= 0) return 0;
    owed = left;
  }
  return owed;
}

/** The amounts of grants that began after `since` and have ended by `now`. */
function* endedSince(owner: SubjectDefinition, currencyId: string, since: number, now: number): Iterable<number> {
  for (const { amount, effectiveAt, expiresAt } of owner.grants.get(currencyId) ?? []) {
    if (effectiveAt !== undefined && effectiveAt > since && expiresAt !== undefined && expiresAt <= now) yield amount;
  }
  const included = owner.plan?.includedCredits.get(currencyId);
  if (included?.resetPeriod === undefined) return;
  let period = periodOf(owner, included, since);
  for (let count = 0; count < MAX_PERIODS && period !== undefined; count++) {
    period = periodOf(owner, included, period.end);
    if (period === undefined || period.end > now) return;
    if (isSubscribed(owner, period.start)) yield included.amount;
  }
}
