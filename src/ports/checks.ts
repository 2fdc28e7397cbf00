import type { AccessDeniedReason } from "../domain/decision/access-denied-reason.js";
import type { FailurePolicy } from "../domain/decision/failure-policy.js";
import type { ConfiguredFallbacks, FallbackValues } from "../domain/decision/fallback.js";
import type { EntitlementReference } from "../domain/entitlement.js";
import type { Subject } from "../domain/subject.js";
import type { AnswerSource } from "./telemetry.js";

/** The fallbacks that the operator configured. Fixed for the life of the process; synchronous, never fails. */
export interface FallbackProvider extends ConfiguredFallbacks {
  all(): ReadonlyMap<string, FallbackValues>;
}

/** What the operator wants where nothing fresh can be had, by feature. May change at any time; synchronous, never fails. */
export interface FailurePolicies {
  /** @param id of a feature, or of a wallet's currency; undefined: as without policies */
  policyOf(id: string): FailurePolicy | undefined;
}

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

/** A decision of one check, as it is written down. */
export interface LoggedDecision {
  readonly customerId: string;
  readonly resourceId: string | undefined;
  readonly type: "feature" | "credit";
  /** Of the feature or the currency. */
  readonly id: string;
  readonly requestedUsage: number | undefined;
  readonly requestedValues: readonly string[] | undefined;
  readonly hasAccess: boolean;
  readonly reason: AccessDeniedReason | undefined;
  readonly isFallback: boolean;
  readonly source: AnswerSource;
  /** Up to when the state behind it is known to have been true, epoch milliseconds. */
  readonly verifiedAt: number | undefined;
  readonly used: number | undefined;
  readonly limit: number | undefined;
  /** The caller's own names for its call, where it has some. */
  readonly requestId?: string | undefined;
  readonly traceId?: string | undefined;
}

/** Where decisions are written down. Never waits and never throws: what cannot be written is lost, and counted. */
export interface DecisionLog {
  /** @returns the id under which it is found again; undefined: it is not */
  write(decision: LoggedDecision): string | undefined;
}
