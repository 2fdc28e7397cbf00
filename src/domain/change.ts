import { type CustomerState, isEmptyState } from "./customer-state.js";
import type { EntitlementReference } from "./entitlement.js";
import { isOlder, newestState, newestUsage } from "./newest-wins.js";
import type { Subject } from "./subject.js";
import type { Usage } from "./usage/usage.js";

/** The set of entitlements of a subject is now this; an empty one without a reason only says "ask again". */
export interface EntitlementsUpdated {
  readonly type: "entitlements-updated";
  readonly subject: Subject;
  readonly state: CustomerState;
}

/** What was used of one entitlement. An undefined period keeps the period that is known. */
export interface UsageUpdated {
  readonly type: "usage-updated";
  readonly subject: Subject;
  readonly entitlement: EntitlementReference;
  readonly usage: Usage;
}

/** Whose states a publication changes: everybody's, or only those of customers to come. */
export const MIGRATIONS = ["ALL_CUSTOMERS", "NEW_CUSTOMERS"] as const;

/** A plan or add-on has a new version; with ALL_CUSTOMERS every state may be another from now on. */
export interface PackagePublished {
  readonly type: "package-published";
  readonly migration: (typeof MIGRATIONS)[number];
}

/** One subject may have changed, and the message says no more: ask again. */
export interface SubjectInvalidated {
  readonly type: "subject-invalidated";
  readonly subject: Subject;
}

/** What an upstream can say of states that others may have cached. */
export type Change = EntitlementsUpdated | UsageUpdated | PackagePublished | SubjectInvalidated;

export type ChangeType = Change["type"];

/** Every type of change, once: a type that is missing here, or that no change has, does not compile. */
export const CHANGE_TYPES = Object.keys({
  "entitlements-updated": true,
  "usage-updated": true,
  "package-published": true,
  "subject-invalidated": true,
} satisfies Record<ChangeType, true>) as readonly ChangeType[];

/** A change of one subject, as opposed to one that touches all. */
export type SubjectChange = Exclude<Change, PackagePublished>;

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
