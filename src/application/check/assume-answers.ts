import {
  type CreditDecision,
  type CreditQuery,
  fallbackDecision,
  type FeatureDecision,
  type FeatureQuery,
} from "../../domain/decision/decision.js";
import {
  type FailurePolicy,
  longestTrustMs,
  type PolicyVerdict,
  verdictOf,
} from "../../domain/decision/failure-policy.js";
import type { FallbackValues } from "../../domain/decision/fallback.js";
import { notAhead } from "../../domain/freshness/freshness.js";
import { type Subject, SubjectMap } from "../../domain/subject.js";
import { addDecimals, fitsInto, toNumber } from "../../domain/usage/decimal.js";
import type { FailurePolicies, FallbackProvider } from "../../ports/checks.js";
import type { Clock } from "../../ports/clock.js";
import { type Telemetry, wasAskedFor } from "../../ports/telemetry.js";
import type { Answer, Assumed } from "../answer.js";

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

type Decision = FeatureDecision | CreditDecision;

/** What a check asks, as far as a policy looks at it. */
export interface Asked {
  readonly subject: Subject;
  /** Of the feature or the currency. */
  readonly id: string;
  readonly requestedUsage: number | undefined;
  /** The request's own, or the operator's. */
  readonly fallback: FallbackValues | undefined;
}

export interface ForeseenAnswer {
  readonly policy: FailurePolicy["answer"];
  readonly isGranted: boolean;
}

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

  /** The same policies for answers that are counted elsewhere; what either grants from here on, the other does not know of. */
  beside(telemetry: Telemetry): AssumeAnswers {
    const other = new AssumeAnswers(this.#policies, this.#fallbacks, telemetry, this.#clock);
    other.#lastFreshAt = this.#lastFreshAt;
    return other;
  }

  /** A cached state that was verified before does not serve without a try to have a fresh one. Epoch milliseconds. */
  trustedSince(id: string, now: number): number {
    const policy = this.#policies.policyOf(id);
    return policy === undefined ? -Infinity : now - longestTrustMs(policy);
  }

  /** The operator's, or the request's, own fallback goes before any policy. */
  feature(subject: Subject, query: FeatureQuery, answer: Answer<FeatureDecision>): Answer<FeatureDecision> {
    if (!isUncertain(answer)) return this.#fresh(answer);
    const fallback = query.fallback ?? this.#fallbacks.fallbackOf(query.featureId);
    return this.#assume({ subject, id: query.featureId, ...query, fallback }, answer, (values) =>
      fallbackDecision(values, "Unknown"),
    );
  }

  credit(subject: Subject, query: CreditQuery, answer: Answer<CreditDecision>): Answer<CreditDecision> {
    if (!isUncertain(answer)) return this.#fresh(answer);
    return this.#assume({ subject, id: query.currencyId, ...query }, answer, (values) => ({
      hasAccess: values.hasAccess,
      accessDeniedReason: "Unknown",
      entitlement: undefined,
      usage: undefined,
      remaining: 0,
      fallback: values,
    }));
  }

  /** What a policy would answer in the place of this; undefined: the answer stands. Nothing is counted by it, or granted. */
  foresee(asked: Asked, answer: Answer<Decision>): ForeseenAnswer | undefined {
    if (!isUncertain(answer)) return undefined;
    const now = this.#clock.now();
    const policy = this.#policyFor(asked);
    const verdict = policy === undefined ? "known" : this.#verdictOf(policy, answer, now);
    if (policy === undefined || verdict === "known") return undefined;
    const isGranted = verdict === "granted" || this.#isWithinAmount(asked, policy, "fits");
    return { policy: policy.answer, isGranted };
  }

  #fresh<T>(answer: Answer<T>): Answer<T> {
    if (wasAskedFor(answer.source)) this.#lastFreshAt = this.#clock.now();
    return answer;
  }

  #assume<T extends Decision>(asked: Asked, answer: Answer<T>, decisionOf: (values: FallbackValues) => T): Answer<T> {
    const now = this.#clock.now();
    const policy = this.#policyFor(asked);
    const verdict = policy === undefined ? "known" : this.#verdictOf(policy, answer, now);
    if (policy === undefined || verdict === "known") return answer;
    const isGranted = verdict === "granted" || this.#isWithinAmount(asked, policy, "grant");
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

  /** @param how `grant` counts it, `fits` does not */
  #isWithinAmount(asked: Asked, policy: FailurePolicy, how: "fits" | "grant"): boolean {
    if (policy.answer !== "allow-up-to") return false;
    const { amount, perMs } = policy;
    return this.#granted[how](asked.id, asked.subject, amountOf(asked), amount, perMs, this.#clock.elapsed());
  }

  #policyFor({ id, fallback }: Asked): FailurePolicy | undefined {
    return fallback === undefined ? this.#policies.policyOf(id) : undefined;
  }

  #verdictOf(policy: FailurePolicy, { result, verifiedAt }: Answer<Decision>, now: number): PolicyVerdict {
    const isGranted = result.fallback === undefined ? result.hasAccess : undefined;
    // By a clock that was set back a grace would last until that time has come.
    this.#lastFreshAt = notAhead(this.#lastFreshAt, now);
    return verdictOf(policy, { isGranted, verifiedAt, lastFreshAt: this.#lastFreshAt }, now);
  }
}

/** Whether nothing is known of what was asked, or nobody could be asked of what may have changed. A fallback for a feature of another kind is certain. */
function isUncertain({ result, isLastResort }: Answer<Decision>): boolean {
  return result.fallback === undefined ? isLastResort === true : result.accessDeniedReason === "Unknown";
}

function amountOf({ requestedUsage = 1 }: Asked): number {
  return Math.max(0, requestedUsage);
}

interface Granted {
  amount: number;
  readonly since: number;
}

const DEFAULT_MAX_COUNTED = 100_000;

/** How much was granted without knowing, by feature and subject. Bounded: beyond the bound nothing more is granted until a time has passed. */
export class GrantedAmounts {
  readonly #maxCounted: number;
  /** First granted since `#begunAt`; what is older is in `#earlier`, and all of that is over once the next time is. */
  #latest = new AmountsByFeature();
  #earlier = new AmountsByFeature();
  #begunAt = -Infinity;
  #longestPerMs = 0;

  constructor(maxCounted = DEFAULT_MAX_COUNTED) {
    this.#maxCounted = maxCounted;
  }

  /**
   * Grants an amount if all of it fits into what is left.
   *
   * @param perMs after which what was granted is forgotten, milliseconds
   * @param now by `Clock.elapsed`: a clock that is set would forget what was granted, or keep it
   */
  grant(featureId: string, subject: Subject, amount: number, limit: number, perMs: number, now: number): boolean {
    this.#longestPerMs = Math.max(this.#longestPerMs, perMs);
    this.#forgetOld(now);
    if (!this.fits(featureId, subject, amount, limit, perMs, now)) return false;
    const granted = this.#grantedOf(featureId, subject);
    if (granted !== undefined && isCounting(granted, perMs, now))
      granted.amount = toNumber(addDecimals(granted.amount, amount));
    else {
      this.#earlier.delete(featureId, subject);
      this.#latest.set(featureId, subject, { amount, since: now });
    }
    return true;
  }

  /** Whether it would be granted; as for `grant`. */
  fits(featureId: string, subject: Subject, amount: number, limit: number, perMs: number, now: number): boolean {
    const granted = this.#grantedOf(featureId, subject);
    if (granted === undefined && this.#latest.count + this.#earlier.count >= this.#maxCounted) return false;
    return fitsInto(limit, granted !== undefined && isCounting(granted, perMs, now) ? granted.amount : 0, amount);
  }

  #grantedOf(featureId: string, subject: Subject): Granted | undefined {
    return this.#latest.get(featureId, subject) ?? this.#earlier.get(featureId, subject);
  }

  #forgetOld(now: number): void {
    if (now - this.#begunAt < this.#longestPerMs) return;
    this.#earlier = this.#latest;
    this.#latest = new AmountsByFeature();
    this.#begunAt = now;
  }
}

class AmountsByFeature {
  readonly #byFeature = new Map<string, SubjectMap<Granted>>();
  #count = 0;

  get count(): number {
    return this.#count;
  }

  get(featureId: string, subject: Subject): Granted | undefined {
    return this.#byFeature.get(featureId)?.get(subject);
  }

  set(featureId: string, subject: Subject, granted: Granted): void {
    let ofFeature = this.#byFeature.get(featureId);
    if (ofFeature === undefined) this.#byFeature.set(featureId, (ofFeature = new SubjectMap()));
    if (ofFeature.get(subject) === undefined) this.#count++;
    ofFeature.set(subject, granted);
  }

  delete(featureId: string, subject: Subject): void {
    const ofFeature = this.#byFeature.get(featureId);
    if (ofFeature?.get(subject) === undefined) return;
    ofFeature.delete(subject);
    this.#count--;
  }
}

function isCounting({ since }: Granted, perMs: number, now: number): boolean {
  return now - since < perMs;
}
