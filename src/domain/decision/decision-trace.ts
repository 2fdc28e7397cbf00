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
