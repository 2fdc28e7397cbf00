import type { AccessDeniedReason } from "./decision/access-denied-reason.js";
import type { CreditEntitlement, EntitlementReference, FeatureEntitlement } from "./entitlement.js";
import type { Usage } from "./usage/usage.js";

/**
 * Everything that is known of one subject at one point in time: an immutable snapshot. Readers depend on this
 * interface alone, so that a cache may keep states in whatever form is smallest.
 */
export interface CustomerState {
  /** How a state without the asked entitlement explains itself, for example `CustomerNotFound`. */
  readonly accessDeniedReason: AccessDeniedReason | undefined;
  /** Orders writes of the set of entitlements, epoch milliseconds; undefined for an empty set. */
  readonly updatedAt: number | undefined;
  /** The earliest time at which one of its entitlements ends, epoch milliseconds, or Infinity. */
  readonly validUntil: number;
  readonly featureCount: number;
  readonly creditCount: number;
  /** False where whoever reported the state knows no wallets: that it has none says nothing then. */
  readonly includesWallets: boolean;
  /** Entitlements that upstream named and that could not be read: neither had nor not had. Most states have none. */
  readonly unknown: readonly EntitlementReference[];
  feature(featureId: string): FeatureEntitlement | undefined;
  credit(currencyId: string): CreditEntitlement | undefined;
  /** As last reported, not rolled over: see usageAt. NO_USAGE where nothing was reported. */
  featureUsage(featureId: string): Usage;
  creditUsage(currencyId: string): Usage;
  features(): Iterable<FeatureEntitlement>;
  credits(): Iterable<CreditEntitlement>;
  /** The same entitlements with these usages in place of its own; ids that the state does not have are ignored. */
  withUsages(usages: UsagesByEntitlement): CustomerState;
}

export interface UsagesByEntitlement {
  readonly features?: ReadonlyMap<string, Usage> | undefined;
  readonly credits?: ReadonlyMap<string, Usage> | undefined;
}

/** In place of an id in `unknown`: it could not be read either, so it may be any entitlement that the state does not have. */
export const ANY_ID = "";

/** Of an entitlement that the state does not have: whether it is only that it could not be read. */
export function isUnknown(state: CustomerState, type: EntitlementReference["type"], id: string): boolean {
  for (const unknown of state.unknown)
    if (unknown.type === type && (unknown.id === id || unknown.id === ANY_ID)) return true;
  return false;
}

/** A state that knows nothing but why it is empty. */
export function isEmptyState(state: CustomerState): boolean {
  return state.featureCount === 0 && state.creditCount === 0 && state.unknown.length === 0;
}
