import type { CreditEntitlement, FeatureEntitlement } from "../entitlement.js";
import type { FeatureKind } from "../feature.js";
import type { Usage } from "../usage/usage.js";
import type { AccessDeniedReason } from "./access-denied-reason.js";
import type { FallbackValues } from "./fallback.js";

const NO_VALUES: readonly string[] = [];

/** A check of one feature: nothing requested, of whatever kind, without a fallback, but for what is given. */
export function featureQuery(featureId: string, given: Partial<Omit<FeatureQuery, "featureId">> = {}): FeatureQuery {
  return {
    featureId,
    kind: given.kind,
    requestedUsage: given.requestedUsage,
    requestedValues: given.requestedValues ?? NO_VALUES,
    fallback: given.fallback,
    fallbackWhenUnknown: given.fallbackWhenUnknown ?? false,
  };
}

/** The same for a wallet. */
export function creditQuery(currencyId: string, given: Partial<Omit<CreditQuery, "currencyId">> = {}): CreditQuery {
  return { currencyId, requestedUsage: given.requestedUsage, fallback: given.fallback };
}

/** What a caller wants to know of one feature. */
export interface FeatureQuery {
  readonly featureId: string;
  /** The kind that a typed call asks for; undefined: whatever the feature is. */
  readonly kind: FeatureKind | undefined;
  /** How much the caller is about to use; undefined, and below 0: nothing. Without a number (NaN) nothing fits a limit. */
  readonly requestedUsage: number | undefined;
  readonly requestedValues: readonly string[];
  /** The request's own fallback. */
  readonly fallback: FallbackValues | undefined;
  /**
   * Whether an unknown feature is answered from the fallback where one is given. Only the untyped
   * first-generation call does so, as the published client does; all others say why it is unknown.
   */
  readonly fallbackWhenUnknown: boolean;
}

/** What a caller wants to know of one wallet. */
export interface CreditQuery {
  readonly currencyId: string;
  /** Credits that the caller is about to use; undefined, and below 0: any. */
  readonly requestedUsage: number | undefined;
  readonly fallback: FallbackValues | undefined;
}

export interface FeatureDecision {
  readonly hasAccess: boolean;
  /** Set on every denial, and on every fallback, granted or not. */
  readonly accessDeniedReason: AccessDeniedReason | undefined;
  /** What was decided on; undefined where the entitlement is not known or the answer is a fallback. */
  readonly entitlement: FeatureEntitlement | undefined;
  /** Usage of a metered entitlement in the period of the check. */
  readonly usage: Usage | undefined;
  /** The values that stand in for an entitlement; set exactly where the answer is a fallback. */
  readonly fallback: FallbackValues | undefined;
}

/** What is answered about a feature in place of an entitlement. */
export function fallbackDecision(values: FallbackValues, reason: AccessDeniedReason): FeatureDecision {
  return {
    hasAccess: values.hasAccess,
    accessDeniedReason: reason,
    entitlement: undefined,
    usage: undefined,
    fallback: values,
  };
}

export interface CreditDecision {
  readonly hasAccess: boolean;
  readonly accessDeniedReason: AccessDeniedReason | undefined;
  readonly entitlement: CreditEntitlement | undefined;
  readonly usage: Usage | undefined;
  /** Credits left; below 0 only under a soft limit. */
  readonly remaining: number;
  readonly fallback: FallbackValues | undefined;
}

/**
 * The rules of a decision, in the order in which they are asked. The first that does not hold decides.
 *
 * - `state`: something is known of the subject at all; without it the fallback answers
 * - `entitlement`: the subject has it
 * - `readable`: where it does not, that is not only because what upstream said of it could not be read
 * - `unknown-feature-fallback`: where it does not, no fallback is to answer in its place
 * - `kind`: it is of the kind that was asked for
 * - `own-reason`: whoever told the state did not deny it
 * - `values`: all requested values are allowed
 * - `limit`: what is used and requested fits the limit
 * - `wallet`: the credits left cover what is requested
 * - `failure-policy`: nothing fresh could be had, so that the policy answers in the place of all before; it grants
 */
export type RuleName =
  | "state"
  | "entitlement"
  | "readable"
  | "unknown-feature-fallback"
  | "kind"
  | "own-reason"
  | "values"
  | "limit"
  | "wallet"
  | "failure-policy";

/** What a rule looked at: amounts, ids, limits. */
export type RuleValues = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

/** What one rule found. */
export interface RuleOutcome {
  readonly rule: RuleName;
  readonly holds: boolean;
  readonly saw: RuleValues;
}

/** Filled by a decision that is given one, rule by rule; without one a decision costs what it always does. */
export type DecisionTrace = RuleOutcome[];
