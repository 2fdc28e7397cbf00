import type { CustomerState } from "./customer-state.js";
import type { EntitlementReference } from "./entitlement.js";
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
