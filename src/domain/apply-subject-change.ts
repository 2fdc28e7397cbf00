import type { EntitlementsUpdated, SubjectChange } from "./change.js";
import { type CustomerState, isEmptyState } from "./customer-state.js";
import { isOlder, newestState, newestUsage } from "./newest-wins.js";

/**
 * What a change does to what is known of its subject.
 *
 * - `none`: no-op: not newer, or for an unknown subject or entitlement
 * - `replace`: the subject is reported anew, and this is known now
 * - `refine`: a part of what is known is newer now; of the rest nothing was said
 * - `mark-stale`: what is known may no longer be true; ask again, and until then it is the best there is
 * - `forget`: what is known is no longer true; ask again
 */
export type ChangeEffect =
  | { readonly effect: "none" | "mark-stale" | "forget" }
  | { readonly effect: "replace" | "refine"; readonly state: CustomerState };

const NONE: ChangeEffect = { effect: "none" };
const MARK_STALE: ChangeEffect = { effect: "mark-stale" };
const FORGET: ChangeEffect = { effect: "forget" };

/** Whether a change says that its subject changed without saying how. */
export function saysAskAgain(change: SubjectChange): boolean {
  if (change.type === "subject-invalidated") return true;
  return (
    change.type === "entitlements-updated" &&
    isEmptyState(change.state) &&
    change.state.accessDeniedReason === undefined
  );
}

/** Usage is one subject's own; everything else that happens to a customer can change what its resources may do. */
export function concernsResources(change: SubjectChange, { effect }: ChangeEffect): boolean {
  if (change.type === "subject-invalidated") return true;
  return effect === "replace" || effect === "mark-stale" || effect === "forget";
}

/** @param stored what is known of the change's subject before; undefined: nothing */
export function applySubjectChange(stored: CustomerState | undefined, change: SubjectChange): ChangeEffect {
  switch (change.type) {
    case "entitlements-updated":
      return applyEntitlements(stored, change);
    case "usage-updated":
      return stored === undefined ? NONE : refined(stored, newestUsage(stored, change.entitlement, change.usage));
    case "subject-invalidated":
      return stored === undefined ? NONE : MARK_STALE;
  }
}

function applyEntitlements(stored: CustomerState | undefined, change: EntitlementsUpdated): ChangeEffect {
  const { state } = change;
  if (saysAskAgain(change)) return FORGET;
  if (isEmptyState(state)) return { effect: "replace", state };
  if (stored !== undefined && isOlder(state.updatedAt, stored.updatedAt))
    return refined(stored, newestState(stored, state));
  return { effect: "replace", state: newestState(stored, state) };
}

function refined(stored: CustomerState, state: CustomerState): ChangeEffect {
  return state === stored ? NONE : { effect: "refine", state };
}
