import type { CreditBalanceUpdated, EntitlementsUpdated, SubjectChange } from "./change.js";
import { isEmptyState, type CustomerState } from "./customer-state.js";
import { isOlder, newestState, newestUsage } from "./newest-wins.js";

/**
 * What is known of a subject after a change of it.
 *
 * @param stored what is known before; undefined: nothing
 * @returns the state to keep, `stored` itself where the change says nothing new, or undefined where nothing
 *   is known any more and the next check has to ask
 */
export function applySubjectChange(stored: CustomerState | undefined, change: SubjectChange): CustomerState | undefined {
  switch (change.type) {
    case "entitlements-updated":
      return applyEntitlements(stored, change);
    case "usage-updated":
      return stored === undefined ? undefined : newestUsage(stored, change.entitlement, change.usage);
    case "credit-balance-updated":
      return stored === undefined ? undefined : applyBalance(stored, change);
    case "subject-invalidated":
      return undefined;
  }
}

function applyEntitlements(stored: CustomerState | undefined, { state }: EntitlementsUpdated): CustomerState | undefined {
  if (isEmptyState(state)) return state.accessDeniedReason === undefined ? undefined : state;
  if (stored !== undefined && isOlder(state.updatedAt, stored.updatedAt)) return stored;
  return newestState(stored, state);
}

/** The features that draw on the wallet are judged against it at each check, so the wallet is all there is to update. */
function applyBalance(stored: CustomerState, change: CreditBalanceUpdated): CustomerState | undefined {
  const wallet = stored.credit(change.currencyId);
  if (wallet === undefined) return stored;
  // A grant moves the limit, which belongs to the set of entitlements and not to its usage: ask for the set again.
  if (wallet.usageLimit !== change.totalGranted) return undefined;
  return newestUsage(stored, { type: "credit", id: change.currencyId }, {
    currentUsage: change.totalConsumed,
    updatedAt: change.updatedAt,
  });
}
