import type { CreditBalanceUpdated, EntitlementsUpdated, SubjectChange } from "./change.js";
import { isEmptyState, type CustomerState } from "./customer-state.js";
import { isOlder, newestState, newestUsage } from "./newest-wins.js";

/**
 * What a change does to what is known of its subject.
 *
 * - `none`: it says nothing new, or is of a subject or an entitlement that is not known
 * - `store`: this is known now
 * - `doubt`: what is known may no longer be true; ask again, and until then it is the best there is
 * - `forget`: what is known is no longer true; ask again
 */
export type ChangeEffect =
  | { readonly effect: "none" | "doubt" | "forget" }
  | { readonly effect: "store"; readonly state: CustomerState };

const NONE: ChangeEffect = { effect: "none" };
const DOUBT: ChangeEffect = { effect: "doubt" };
const FORGET: ChangeEffect = { effect: "forget" };

/** @param stored what is known of the change's subject before; undefined: nothing */
export function applySubjectChange(stored: CustomerState | undefined, change: SubjectChange): ChangeEffect {
  switch (change.type) {
    case "entitlements-updated":
      return applyEntitlements(stored, change);
    case "usage-updated":
      return stored === undefined ? NONE : changed(stored, newestUsage(stored, change.entitlement, change.usage));
    case "credit-balance-updated":
      return stored === undefined ? NONE : applyBalance(stored, change);
    case "subject-invalidated":
      return stored === undefined ? NONE : DOUBT;
  }
}

function applyEntitlements(stored: CustomerState | undefined, { state }: EntitlementsUpdated): ChangeEffect {
  if (isEmptyState(state)) return state.accessDeniedReason === undefined ? FORGET : { effect: "store", state };
  if (stored !== undefined && isOlder(state.updatedAt, stored.updatedAt)) return changed(stored, newestState(stored, state));
  return { effect: "store", state: newestState(stored, state) };
}

/** The features that draw on the wallet are judged against it at each check, so the wallet is all there is to update. */
function applyBalance(stored: CustomerState, change: CreditBalanceUpdated): ChangeEffect {
  const wallet = stored.credit(change.currencyId);
  if (wallet === undefined) return NONE;
  // A grant moves the limit, which belongs to the set of entitlements and not to its usage.
  if (wallet.usageLimit !== change.totalGranted) return DOUBT;
  const usage = { currentUsage: change.totalConsumed, updatedAt: change.updatedAt };
  return changed(stored, newestUsage(stored, { type: "credit", id: change.currencyId }, usage));
}

function changed(stored: CustomerState, state: CustomerState): ChangeEffect {
  return state === stored ? NONE : { effect: "store", state };
}
