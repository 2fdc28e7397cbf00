import { buildCustomerState, type CustomerStateInput } from "../../src/domain/build-customer-state.js";
import type { Change } from "../../src/domain/change.js";
import type { CustomerState } from "../../src/domain/customer-state.js";
import { decideCredit } from "../../src/domain/decision/decide-credit.js";
import { decideFeature } from "../../src/domain/decision/decide-feature.js";
import type { CreditDecision, CreditQuery, FeatureDecision, FeatureQuery } from "../../src/domain/decision/decision.js";
import type { FallbackValues } from "../../src/domain/decision/fallback.js";
import type { ModelChange } from "./cached-states.js";
import type { ConfiguredFallbacks, ModelAnswer } from "./decisions.js";
import { creditAnswer, featureAnswer } from "./decisions.js";
import { type Difference, differenceAt } from "./kind.js";

/** What is asked of a state. */
export interface Queries {
  readonly features: readonly FeatureQuery[];
  readonly credits: readonly CreditQuery[];
}

/** The product's decision in the model's words. */
export function featureAnswerOf({ hasAccess, accessDeniedReason, fallback, usage }: FeatureDecision): ModelAnswer {
  const answer = { hasAccess, reason: accessDeniedReason };
  if (fallback !== undefined) return { ...answer, fallback };
  return usage === undefined
    ? answer
    : { ...answer, currentUsage: usage.currentUsage, periodStart: usage.periodStart, periodEnd: usage.periodEnd };
}

export function creditAnswerOf({ hasAccess, accessDeniedReason, fallback, remaining }: CreditDecision): ModelAnswer {
  const answer = { hasAccess, reason: accessDeniedReason };
  return fallback === undefined ? { ...answer, remaining } : { ...answer, fallback, remaining };
}

/** Whether a state of the product answers as one of the model does. */
export function compareAnswers(
  at: string,
  state: CustomerState,
  model: CustomerStateInput,
  queries: Queries,
  now: number,
  configured: ConfiguredFallbacks = {},
): Difference | undefined {
  const fallbacks = { fallbackOf: (id: string): FallbackValues | undefined => configured[id] };
  for (const query of queries.features) {
    const difference = differenceAt(
      at,
      featureAnswerOf(decideFeature(state, query, now, fallbacks)),
      featureAnswer(model, query, now, configured),
    );
    if (difference !== undefined) return { ...difference, at: `${at}, feature ${query.featureId}` };
  }
  for (const query of queries.credits) {
    const difference = differenceAt(at, creditAnswerOf(decideCredit(state, query)), creditAnswer(model, query));
    if (difference !== undefined) return { ...difference, at: `${at}, credits ${query.currencyId}` };
  }
  return undefined;
}

export function changeOf(change: ModelChange): Change {
  if (change.type === "entitlements-updated") return { ...change, state: buildCustomerState(change.state) };
  return change;
}
