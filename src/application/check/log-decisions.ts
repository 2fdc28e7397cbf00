import type { CreditDecision, CreditQuery, FeatureDecision, FeatureQuery } from "../../domain/decision/decision.js";
import type { DecisionLog, LoggedDecision } from "../../ports/checks.js";
import type { Answer, CallContext } from "../answer.js";
import type { CheckEntitlement } from "./check-entitlement.js";

/**
 * Which decisions are written down.
 *
 * - `denials`: those that deny
 * - `fallbacks`: those that were made up for want of data
 * - `changes`: those that are another than the last one of the same customer, resource and feature
 */
export const DECISION_LOG_KINDS = ["off", "denials", "fallbacks", "changes", "all"] as const;

export type DecisionLogKind = (typeof DECISION_LOG_KINDS)[number];

export interface LogDecisionsOptions {
  readonly kind: DecisionLogKind;
  /** The share of them that is written, above 0 to 1. */
  readonly sample: number;
  /** From 0 (included) to 1 (excluded). */
  readonly random?: () => number;
}

/** Last outcomes that are remembered at least; at most twice as many. */
const MAX_REMEMBERED = 50_000;

type Query = FeatureQuery | CreditQuery;
type Decision = FeatureDecision | CreditDecision;

/** Answers checks, and writes down those decisions that are wanted. Used only where a log is: else checks do without it. */
export class LogDecisions implements Pick<CheckEntitlement, "feature" | "credit"> {
  readonly #check: Pick<CheckEntitlement, "feature" | "credit">;
  readonly #log: DecisionLog;
  readonly #options: LogDecisionsOptions;
  readonly #random: () => number;
  #lastOutcomes = new Map<string, string>();
  #olderOutcomes = new Map<string, string>();

  constructor(check: Pick<CheckEntitlement, "feature" | "credit">, log: DecisionLog, options: LogDecisionsOptions) {
    this.#check = check;
    this.#log = log;
    this.#options = options;
    this.#random = options.random ?? Math.random;
  }

  feature(
    customerId: string,
    resourceId: string | undefined,
    query: FeatureQuery,
    call: CallContext,
  ): Answer<FeatureDecision> | Promise<Answer<FeatureDecision>> {
    const answer = this.#check.feature(customerId, resourceId, query, call);
    if (answer instanceof Promise)
      return answer.then((settled) => this.#logged(customerId, resourceId, query, settled, call));
    return this.#logged(customerId, resourceId, query, answer, call);
  }

  credit(
    customerId: string,
    resourceId: string | undefined,
    query: CreditQuery,
    call: CallContext,
  ): Answer<CreditDecision> | Promise<Answer<CreditDecision>> {
    const answer = this.#check.credit(customerId, resourceId, query, call);
    if (answer instanceof Promise)
      return answer.then((settled) => this.#logged(customerId, resourceId, query, settled, call));
    return this.#logged(customerId, resourceId, query, answer, call);
  }

  #logged<D extends Decision>(
    customerId: string,
    resourceId: string | undefined,
    query: Query,
    answer: Answer<D>,
    call: CallContext,
  ): Answer<D> {
    if (!this.#isWanted(customerId, resourceId, query, answer.result)) return answer;
    if (this.#options.sample < 1 && this.#random() >= this.#options.sample) return answer;
    // Only here: what the caller calls it is read from its headers when it is asked for.
    const entry = { ...entryOf(customerId, resourceId, query, answer), ...call.origin };
    return { ...answer, decisionId: this.#log.write(entry) };
  }

  #isWanted(customerId: string, resourceId: string | undefined, query: Query, decision: Decision): boolean {
    switch (this.#options.kind) {
      case "off":
        return false;
      case "all":
        return true;
      case "denials":
        return !decision.hasAccess;
      case "fallbacks":
        return decision.fallback !== undefined;
      case "changes":
        return this.#isChange(
          JSON.stringify([customerId, resourceId, idOf(query)]),
          `${decision.hasAccess} ${decision.accessDeniedReason ?? ""}`,
        );
    }
  }

  /** Two generations, so that forgetting is cheap and never forgets what was seen just now. */
  #isChange(key: string, outcome: string): boolean {
    const last = this.#lastOutcomes.get(key) ?? this.#olderOutcomes.get(key);
    if (last === outcome && this.#lastOutcomes.has(key)) return false;
    this.#lastOutcomes.set(key, outcome);
    if (this.#lastOutcomes.size >= MAX_REMEMBERED) {
      this.#olderOutcomes = this.#lastOutcomes;
      this.#lastOutcomes = new Map();
    }
    return last !== outcome;
  }
}

function idOf(query: Query): string {
  return "featureId" in query ? query.featureId : query.currencyId;
}

function entryOf(
  customerId: string,
  resourceId: string | undefined,
  query: Query,
  { result, source, verifiedAt }: Answer<Decision>,
): LoggedDecision {
  const isFeature = "featureId" in query;
  return {
    customerId,
    resourceId,
    type: isFeature ? "feature" : "credit",
    id: idOf(query),
    requestedUsage: query.requestedUsage,
    requestedValues: isFeature && query.requestedValues.length > 0 ? query.requestedValues : undefined,
    hasAccess: result.hasAccess,
    reason: result.accessDeniedReason,
    isFallback: result.fallback !== undefined,
    source,
    verifiedAt,
    used: result.usage?.currentUsage,
    limit: result.entitlement?.usageLimit,
  };
}
