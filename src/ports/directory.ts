import type { EntitlementReference } from "../domain/entitlement.js";
import type { Subject } from "../domain/subject.js";

/** What a source of entitlements knows beyond states, where it knows everything there is: for explanations alone. */
export interface Directory {
  customers(): Iterable<string>;
  resources(customerId: string): Iterable<string>;
  features(): Iterable<string>;
  currencies(): Iterable<string>;
  /** Where what a subject has of a feature or wallet comes from; undefined where the source has no such subject. */
  originOf(subject: Subject, reference: EntitlementReference): EntitlementOrigin | undefined;
}

/** Timestamps are epoch milliseconds. */
export interface EntitlementOrigin {
  readonly plan: string | undefined;
  readonly subscriptionStartedAt: number | undefined;
  readonly subscriptionEndsAt: number | undefined;
  /** Undefined: the subject has neither. */
  readonly from: "plan" | "override" | undefined;
  /** Of a wallet, or of one that pays for the feature: its grants in the order in which they are drawn from. */
  readonly grants: readonly GrantOrigin[];
}

export interface GrantOrigin {
  readonly id: string;
  readonly amount: number;
  readonly drawn: number;
  readonly expiresAt: number | undefined;
  /** Whether the next credit is drawn from it. */
  readonly paysNext: boolean;
}
