import type { CreditDecision, CreditQuery, FeatureDecision, FeatureQuery } from "../../domain/decision/decision.js";
import { longestTrustMs, verdictOf, type FailurePolicy } from "../../domain/decision/failure-policy.js";
import type { FallbackValues } from "../../domain/decision/fallback.js";
import type { Subject } from "../../domain/subject.js";
import type { Clock } from "../../ports/clock.js";
import type { FailurePolicies } from "../../ports/failure-policies.js";
import type { FallbackProvider } from "../../ports/fallback-provider.js";
import type { Telemetry } from "../../ports/telemetry.js";
import type { Answer, Assumed } from "../answer.js";
import { GrantedAmounts } from "./granted-amounts.js";

/** After how long it may be worth to ask again, milliseconds. */
const RETRY_AFTER_MS = 5_000;

const GRANTED: FallbackValues = Object.freeze({ hasAccess: true });
const DENIED: FallbackValues = Object.freeze({ hasAccess: false });

const ASSUMED: Readonly<Record<FailurePolicy["answer"], Assumed>> = {
  deny: { policy: "deny", retryAfterMs: RETRY_AFTER_MS },
  allow: { policy: "allow", retryAfterMs: RETRY_AFTER_MS },
  "last-known": { policy: "last-known", retryAfterMs: RETRY_AFTER_MS },
  "allow-up-to": { policy: "allow-up-to", retryAfterMs: RETRY_AFTER_MS },
  grace: { policy: "grace", retryAfterMs: RETRY_AFTER_MS },
};

/** Puts the answer of a failure policy in the place of one for which nothing fresh could be had. */
export class AssumeAnswers {
  readonly #policies: FailurePolicies;
  readonly #fallbacks: FallbackProvider;
  readonly #telemetry: Telemetry;
  readonly #clock: Clock;
  readonly #granted = new GrantedAmounts();
  #lastFreshAt = -Infinity;

  constructor(policies: FailurePolicies, fallbacks: FallbackProvider, telemetry: Telemetry, clock: Clock) {
    this.#policies = policies;
    this.#fallbacks = fallbacks;
    this.#telemetry = telemetry;
    this.#clock = clock;
  }

  /** A cached state that was verified before does not serve without a try to have a fresh one. Epoch milliseconds. */
  trustedSince(id: string, now: number): number {
    const policy = this.#policies.policyOf(id);
    return policy === undefined ? -Infinity : now - longestTrustMs(policy);
  }

  /** The operator's, or the request's, own fallback goes before any policy. */
  feature(subject: Subject, query: FeatureQuery, answer: Answer<FeatureDecision>): Answer<FeatureDecision> {
    const { result } = answer;
    const isUnknown = result.fallback !== undefined;
    if (isUnknown && result.accessDeniedReason !== "Unknown") return answer;
    if (!isUnknown && answer.source !== "stale") return this.#fresh(answer);
    if ((query.fallback ?? this.#fallbacks.fallbackOf(query.featureId)) !== undefined) return answer;
    return this.#assume(query.featureId, query.requestedUsage, subject, isUnknown, answer, (fallback) => ({
      hasAccess: fallback.hasAccess,
      accessDeniedReason: "Unknown",
      entitlement: undefined,
      usage: undefined,
      fallback,
    }));
  }

  credit(subject: Subject, query: CreditQuery, answer: Answer<CreditDecision>): Answer<CreditDecision> {
    const isUnknown = answer.result.fallback !== undefined;
    if (!isUnknown && answer.source !== "stale") return this.#fresh(answer);
    if (query.fallback !== undefined) return answer;
    return this.#assume(query.currencyId, query.requestedUsage, subject, isUnknown, answer, (fallback) => ({
      hasAccess: fallback.hasAccess,
      accessDeniedReason: "Unknown",
      entitlement: undefined,
      usage: undefined,
      remaining: 0,
      fallback,
    }));
  }

  #fresh<T>(answer: Answer<T>): Answer<T> {
    if (answer.source === "redis" || answer.source === "upstream") this.#lastFreshAt = this.#clock.now();
    return answer;
  }

  #assume<T extends { readonly hasAccess: boolean }>(
    id: string,
    requestedUsage: number | undefined,
    subject: Subject,
    isUnknown: boolean,
    answer: Answer<T>,
    decisionOf: (fallback: FallbackValues) => T,
  ): Answer<T> {
    const policy = this.#policies.policyOf(id);
    if (policy === undefined) return answer;
    const now = this.#clock.now();
    const known = {
      isGranted: isUnknown ? undefined : answer.result.hasAccess,
      verifiedAt: answer.verifiedAt,
      lastFreshAt: this.#lastFreshAt,
    };
    const verdict = verdictOf(policy, known, now);
    if (verdict === "known") return answer;
    const isGranted =
      verdict === "granted" ||
      (policy.answer === "allow-up-to" &&
        this.#granted.grant(id, subject, Math.max(0, requestedUsage ?? 1), policy.amount, policy.perMs, now));
    // It was counted as what it would have been without a policy.
    this.#telemetry.answers[answer.source]--;
    this.#telemetry.answers.assumed++;
    this.#telemetry.assumedAnswers[isGranted ? "granted" : "denied"][policy.answer]++;
    return {
      result: decisionOf(isGranted ? GRANTED : DENIED),
      source: "assumed",
      verifiedAt: undefined,
      assumed: ASSUMED[policy.answer],
    };
  }
}
