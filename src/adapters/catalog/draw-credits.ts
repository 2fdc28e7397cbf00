import type { DrawnCredits, WalletEntry } from "./ledger-entry.js";
import { tidy } from "./tidy-number.js";
import type { ActiveGrant } from "./wallet-grants.js";

/**
 * What is drawn from a wallet after `cost` more credits. Grants that end sooner are drawn from first; what
 * they do not cover is an overdraft that later grants pay. A cost below 0 gives credits back in the opposite
 * order, never more than were drawn.
 *
 * @param grants those that are active at `now`, in the order to draw from
 */
export function drawCredits(
  entry: WalletEntry | undefined,
  grants: readonly ActiveGrant[],
  cost: number,
  now: number,
): Pick<WalletEntry, "drawn" | "overdraft"> {
  const drawn = new Map<string, DrawnCredits>();
  for (const [key, credits] of entry?.drawn ?? []) if (now < credits.expiresAt) drawn.set(key, credits);
  const before = entry?.overdraft ?? 0;
  const overdraft = cost < 0 ? giveBack(drawn, grants, before, -cost) : draw(drawn, grants, before + cost);
  return { drawn, overdraft };
}

/** Credits consumed of the grants that are active, and beyond them. */
export function consumedCredits(entry: WalletEntry | undefined, grants: readonly ActiveGrant[]): number {
  if (entry === undefined) return 0;
  let consumed = entry.overdraft;
  for (const { key } of grants) consumed += entry.drawn.get(key)?.amount ?? 0;
  return tidy(consumed);
}

function draw(drawn: Map<string, DrawnCredits>, grants: readonly ActiveGrant[], owed: number): number {
  let left = owed;
  for (const { key, amount, expiresAt } of grants) {
    const already = drawn.get(key)?.amount ?? 0;
    const taken = Math.min(left, Math.max(0, amount - already));
    if (taken <= 0) continue;
    drawn.set(key, { amount: tidy(already + taken), expiresAt });
    left = tidy(left - taken);
  }
  return left;
}

function giveBack(drawn: Map<string, DrawnCredits>, grants: readonly ActiveGrant[], overdraft: number, credits: number): number {
  let left = tidy(credits - Math.min(credits, overdraft));
  for (const { key, expiresAt } of [...grants].reverse()) {
    const already = drawn.get(key)?.amount ?? 0;
    const returned = Math.min(left, already);
    if (returned <= 0) continue;
    drawn.set(key, { amount: tidy(already - returned), expiresAt });
    left = tidy(left - returned);
  }
  return tidy(Math.max(0, overdraft - credits));
}
