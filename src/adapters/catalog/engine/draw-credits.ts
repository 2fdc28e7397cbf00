import { addDecimals, compareDecimals, type Decimal, subtractDecimals } from "../../../domain/usage/decimal.js";
import type { DrawnCredits, WalletEntry } from "../ledger/ledger-entry.js";
import type { SubjectDefinition } from "../model/catalog-model.js";
import { isSubscribed, periodOf } from "../model/subscription.js";
import type { ActiveGrant } from "./wallet-grants.js";

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
