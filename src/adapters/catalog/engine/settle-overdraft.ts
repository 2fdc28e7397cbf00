import { compareDecimals, type Decimal, subtractDecimals } from "../../../domain/usage/decimal.js";
import type { WalletEntry } from "../ledger/ledger-entry.js";
import type { SubjectDefinition } from "../model/catalog-model.js";
import { isSubscribed, periodOf } from "../model/subscription.js";

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
