import type { CustomerState } from "../../domain/customer-state.js";
import { type AccessDeniedReason, saysEntityIsMissing } from "../../domain/decision/access-denied-reason.js";
import { decideCredit, decideCreditWithoutState } from "../../domain/decision/decide-credit.js";
import { decideFeature, decideFeatureWithoutState } from "../../domain/decision/decide-feature.js";
import type { CreditDecision, DecisionTrace, FeatureDecision, RuleOutcome } from "../../domain/decision/decision.js";
import { nearestIds } from "../../domain/decision/nearest-ids.js";
import {
  type Condition,
  servesAtOnce,
  type StaleReason,
  staleReason,
  type StreamStatus,
} from "../../domain/freshness/freshness.js";
import type { Subject } from "../../domain/subject.js";
import { usageAt } from "../../domain/usage/usage.js";
import { usagePeriodAt } from "../../domain/usage/usage-period.js";
import type { CacheStore, StoredState } from "../../ports/cache-store.js";
import type { Directory, EntitlementOrigin, FallbackProvider } from "../../ports/checks.js";
import type { Clock } from "../../ports/clock.js";
import type { AnswerSource } from "../../ports/telemetry.js";
import type { FindState, Lookup } from "../load/find-state.js";
import type { UsageOverlay } from "../report/usage-overlay.js";
import type { AssumeAnswers } from "./assume-answers.js";

export interface ExplainQuery {
  readonly subject: Subject;
  readonly type: "feature" | "credit";
  /** Of the feature or the currency. */
  readonly id: string;
  readonly requestedUsage?: number | undefined;
  readonly requestedValues?: readonly string[] | undefined;
  /** What the decision is as of, epoch milliseconds; undefined: now. The state is the present one all the same. */
  readonly at?: number | undefined;
  /** Whether only this process's cache is looked at: nothing is fetched, refreshed or counted. */
  readonly cachedOnly?: boolean | undefined;
}

export interface ExplainedAnswer {
  readonly hasAccess: boolean;
  readonly reason: AccessDeniedReason | undefined;
  readonly isFallback: boolean;
  readonly source: AnswerSource;
}

/** All timestamps are epoch milliseconds. */
export interface Explanation {
  readonly answer: ExplainedAnswer;
  /** In the order in which they were asked; the last one decided. */
  readonly rules: readonly RuleOutcome[];
  /** Of what this process has cached by now. */
  readonly freshness: ExplainedFreshness;
  /** The usage period of a metered feature. */
  readonly period: { readonly start: number; readonly end: number } | undefined;
  /** Where the entitlement comes from, as far as the source tells. */
  readonly origin: EntitlementOrigin | undefined;
  /** The same question while nothing but this process can be asked. */
  readonly withoutUpstream: ExplainedAnswer;
  /** Ids that are like those of the question that are not known. */
  readonly nearest: {
    readonly customers: readonly string[];
    readonly resources: readonly string[];
    readonly ids: readonly string[];
  };
}

export interface ExplainedFreshness {
  readonly is: Condition;
  readonly reason: StaleReason | undefined;
  /** Up to when the state is known to have been true. */
  readonly verifiedAt: number | undefined;
  readonly ageMs: number | undefined;
  /** From when on it has to be asked for again; undefined: no such time is known. */
  readonly recheckAt: number | undefined;
}

export interface ExplainParts {
  readonly cache: CacheStore;
  readonly states: FindState;
  readonly stream: StreamStatus;
  readonly fallbacks: FallbackProvider;
  readonly clock: Clock;
  readonly directory?: Directory | undefined;
  /** Those of the checks. */
  readonly assume?: AssumeAnswers | undefined;
  readonly overlay?: UsageOverlay | undefined;
}

/** Cached customers among which a misspelt id is looked for, the most recently used ones. */
const MAX_LOOKED_AT = 10_000;

/** Says what a check answers and why, by the function that answers it. */
export class ExplainDecision {
  readonly #parts: ExplainParts;

  constructor(parts: ExplainParts) {
    this.#parts = parts;
  }

  /** Fails no more than a check does. */
  async explain(query: ExplainQuery): Promise<Explanation> {
    const { cache, clock, directory } = this.#parts;
    const { subject, type, id } = query;
    const found = await this.#find(query);
    const rules: DecisionTrace = [];
    const answer = this.#answer(found, query, rules);
    const cached = await this.#cached(subject);
    const { state } = found;
    return {
      answer,
      rules,
      freshness: this.#freshnessOf(cached),
      period: state === undefined || type === "credit" ? undefined : periodOf(state, id, query.at ?? clock.now()),
      origin: directory?.originOf(subject, { type, id }),
      withoutUpstream: this.#answer(this.#withoutUpstream(query, cached), query),
      nearest: this.#nearest(cache, state, query),
    };
  }

  async #find(query: ExplainQuery): Promise<Lookup> {
    const { states, clock } = this.#parts;
    const { subject, type, cachedOnly } = query;
    if (cachedOnly === true) return this.#withoutUpstream(query, await this.#cached(subject));
    const now = clock.now();
    const verifiedSince = this.#trustedSince(query, now);
    const cached =
      type === "feature"
        ? states.findCached(subject.customerId, subject.resourceId, now, verifiedSince)
        : states.findCachedWithWallets(subject.customerId, subject.resourceId, now, verifiedSince);
    const isDenied = (state: CustomerState) => !this.#decideOver(state, query, query.at ?? now).hasAccess;
    if (cached !== undefined && !(isDenied(cached.state) && states.asksBeforeDenying(cached, now))) {
      const source = states.answersFrom(cached, subject.customerId, subject.resourceId, now);
      return { state: cached.state, source, verifiedAt: cached.verifiedAt, isLastResort: false };
    }
    return states.find(
      subject,
      { deadlineAt: undefined, signal: undefined },
      type === "feature" ? "features" : "wallets",
      verifiedSince,
      isDenied,
    );
  }

  /** What a check would find while nothing but this process can be asked. */
  #withoutUpstream(query: ExplainQuery, cached: StoredState | undefined): Lookup {
    // A state that tells of features alone says nothing of wallets.
    if (cached === undefined || (query.type === "credit" && !cached.state.includesWallets))
      return { state: undefined, source: "fallback", verifiedAt: undefined, isLastResort: false };
    const { state, verifiedAt } = cached;
    const now = this.#parts.clock.now();
    const serves = servesAtOnce(cached, now) && verifiedAt >= this.#trustedSince(query, now);
    return { state, source: serves ? "memory" : "stale", verifiedAt, isLastResort: !serves };
  }

  #trustedSince({ id }: ExplainQuery, now: number): number {
    return this.#parts.assume?.trustedSince(id, now) ?? -Infinity;
  }

  /** What this process has, whatever it is worth. */
  async #cached(subject: Subject): Promise<StoredState | undefined> {
    return this.#parts.cache.load(subject, 0).catch(() => undefined);
  }

  #answer(
    { state: found, source, verifiedAt, isLastResort }: Lookup,
    query: ExplainQuery,
    trace?: DecisionTrace,
  ): ExplainedAnswer {
    const { fallbacks, clock, assume, states } = this.#parts;
    const { subject, type, id, requestedUsage, at = clock.now() } = query;
    const result = this.#decideOver(found, query, at, trace);
    const fallback = type === "feature" ? fallbacks.fallbackOf(id) : undefined;
    const assumed = assume?.foresee(
      { subject, id, requestedUsage, fallback },
      { result, source, verifiedAt, isLastResort },
    );
    if (assumed === undefined)
      return {
        hasAccess: result.hasAccess,
        reason: result.accessDeniedReason,
        isFallback: result.fallback !== undefined,
        source: source === "memory" && verifiedAt !== undefined ? states.sourceOf({ verifiedAt }, clock.now()) : source,
      };
    const { policy, isGranted } = assumed;
    trace?.push({ rule: "failure-policy", holds: isGranted, saw: { policy } });
    return { hasAccess: isGranted, reason: "Unknown", isFallback: true, source: "assumed" };
  }

  #decideOver(
    found: CustomerState | undefined,
    query: ExplainQuery,
    at: number,
    trace?: DecisionTrace,
  ): FeatureDecision | CreditDecision {
    const { customerId, resourceId } = query.subject;
    return this.#decide(
      found && (this.#parts.overlay?.over(found, customerId, resourceId, at) ?? found),
      query,
      at,
      trace,
    );
  }

  #decide(
    state: CustomerState | undefined,
    query: ExplainQuery,
    at: number,
    trace?: DecisionTrace,
  ): FeatureDecision | CreditDecision {
    const { fallbacks } = this.#parts;
    const { type, id, requestedUsage, requestedValues = [] } = query;
    trace?.push({ rule: "state", holds: state !== undefined, saw: { stateReason: state?.accessDeniedReason } });
    if (type === "credit") {
      const creditQuery = { currencyId: id, requestedUsage, fallback: undefined };
      return state === undefined ? decideCreditWithoutState(creditQuery) : decideCredit(state, creditQuery, trace);
    }
    const featureQuery = {
      featureId: id,
      kind: undefined,
      requestedUsage,
      requestedValues,
      fallback: undefined,
      fallbackWhenUnknown: false,
    };
    return state === undefined
      ? decideFeatureWithoutState(featureQuery, fallbacks)
      : decideFeature(state, featureQuery, at, fallbacks, trace);
  }

  #freshnessOf(cached: StoredState | undefined): ExplainedFreshness {
    if (cached === undefined)
      return { is: "unknown", reason: undefined, verifiedAt: undefined, ageMs: undefined, recheckAt: undefined };
    const now = this.#parts.clock.now();
    const { verifiedAt, recheckAt } = cached;
    const reason = staleReason(cached, this.#parts.stream, now);
    return {
      is: reason === undefined ? "fresh" : "stale",
      reason,
      verifiedAt,
      ageMs: Math.max(0, now - verifiedAt),
      recheckAt: recheckAt === Infinity ? undefined : recheckAt,
    };
  }

  #nearest(
    cache: CacheStore,
    state: CustomerState | undefined,
    { subject, type, id }: ExplainQuery,
  ): Explanation["nearest"] {
    const { directory } = this.#parts;
    const isMissing = state === undefined || saysEntityIsMissing(state.accessDeniedReason);
    const missingResource =
      isMissing && state?.accessDeniedReason !== "CustomerNotFound" ? subject.resourceId : undefined;
    const known =
      type === "feature"
        ? (directory?.features() ?? featuresOf(state))
        : (directory?.currencies() ?? currenciesOf(state));
    const isKnown = type === "feature" ? state?.feature(id) !== undefined : state?.credit(id) !== undefined;
    return {
      customers:
        isMissing && missingResource === undefined
          ? nearestIds(subject.customerId, directory?.customers() ?? cachedCustomers(cache))
          : [],
      resources:
        missingResource === undefined
          ? []
          : nearestIds(missingResource, directory?.resources(subject.customerId) ?? []),
      ids: isKnown ? [] : nearestUnlessKnown(id, known),
    };
  }
}

/** An id that is known, and that the subject does not have, is not misspelt. */
function nearestUnlessKnown(id: string, known: Iterable<string>): readonly string[] {
  const ids = [...known];
  return ids.includes(id) ? [] : nearestIds(id, ids);
}

function periodOf(state: CustomerState, featureId: string, at: number): Explanation["period"] {
  const entitlement = state.feature(featureId);
  if (entitlement?.kind !== "metered") return undefined;
  const { periodStart, periodEnd, periodAnchor } = usageAt(state.featureUsage(featureId), entitlement.resetPeriod, at);
  if (periodStart !== undefined && periodEnd !== undefined) return { start: periodStart, end: periodEnd };
  return periodAnchor === undefined || entitlement.resetPeriod === undefined
    ? undefined
    : usagePeriodAt(periodAnchor, entitlement.resetPeriod, at);
}

function* cachedCustomers(cache: CacheStore): Iterable<string> {
  for (const { customerId } of cache.recentlyUsed(MAX_LOOKED_AT)) yield customerId;
}

function* featuresOf(state: CustomerState | undefined): Iterable<string> {
  for (const { feature } of state?.features() ?? []) yield feature.id;
}

function* currenciesOf(state: CustomerState | undefined): Iterable<string> {
  for (const { currency } of state?.credits() ?? []) yield currency.currencyId;
}
