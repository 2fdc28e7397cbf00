import type { CustomerState } from "../../domain/customer-state.js";
import { decideCredit, decideCreditWithoutState } from "../../domain/decision/decide-credit.js";
import { decideFeature, decideFeatureWithoutState } from "../../domain/decision/decide-feature.js";
import type { CreditDecision, CreditQuery, FeatureDecision, FeatureQuery } from "../../domain/decision/decision.js";
import type { Subject } from "../../domain/subject.js";
import type { FallbackProvider } from "../../ports/checks.js";
import type { Clock } from "../../ports/clock.js";
import type { Answer, CallContext } from "../answer.js";
import type { FindState, Lookup } from "../load/find-state.js";
import type { UsageOverlay } from "../report/usage-overlay.js";
import type { AssumeAnswers } from "./assume-answers.js";

/** What a check has beside states and fallbacks, where it is configured. */
export interface CheckParts {
  /** What answers where nothing fresh can be had; undefined: what is known, however old, and then the fallback. */
  readonly assume?: AssumeAnswers | undefined;
  /** What was accepted and is not in upstream's usage yet; undefined: nothing ever is. */
  readonly overlay?: UsageOverlay | undefined;
}

/**
 * Answers whether a customer may use a feature or spend credits. Where a state is cached the answer comes
 * back at once, not as a promise. Never fails for want of upstream: then a known state serves however old
 * it is, and after that the fallback.
 */
export class CheckEntitlement {
  readonly #states: FindState;
  readonly #fallbacks: FallbackProvider;
  readonly #clock: Clock;
  readonly #assume: AssumeAnswers | undefined;
  readonly #overlay: UsageOverlay | undefined;

  constructor(states: FindState, fallbacks: FallbackProvider, clock: Clock, { assume, overlay }: CheckParts = {}) {
    this.#states = states;
    this.#fallbacks = fallbacks;
    this.#clock = clock;
    this.#assume = assume;
    this.#overlay = overlay;
  }

  /** @throws CodedError `cancelled` (by rejection) when the caller goes away while a state is fetched */
  feature(
    customerId: string,
    resourceId: string | undefined,
    query: FeatureQuery,
    call: CallContext,
  ): Answer<FeatureDecision> | Promise<Answer<FeatureDecision>> {
    const now = this.#clock.now();
    const verifiedSince = this.#assume === undefined ? -Infinity : this.#assume.trustedSince(query.featureId, now);
    const cached = this.#states.findCached(customerId, resourceId, now, verifiedSince);
    if (cached === undefined) return this.#featureUncached(customerId, resourceId, query, call, verifiedSince);
    const state =
      this.#overlay === undefined ? cached.state : this.#overlay.over(cached.state, customerId, resourceId, now);
    const result = decideFeature(state, query, now, this.#fallbacks);
    if (!result.hasAccess && this.#states.asksBeforeDenying(cached, now))
      return this.#featureUncached(customerId, resourceId, query, call, verifiedSince);
    const source = this.#states.answersFrom(cached, customerId, resourceId, now);
    const answer = { result, source, verifiedAt: cached.verifiedAt };
    if (result.fallback === undefined || this.#assume === undefined) return answer;
    return this.#assume.feature({ customerId, resourceId }, query, answer);
  }

  /** @throws CodedError `cancelled` (by rejection) when the caller goes away while a state is fetched */
  credit(
    customerId: string,
    resourceId: string | undefined,
    query: CreditQuery,
    call: CallContext,
  ): Answer<CreditDecision> | Promise<Answer<CreditDecision>> {
    const now = this.#clock.now();
    const verifiedSince = this.#assume === undefined ? -Infinity : this.#assume.trustedSince(query.currencyId, now);
    const cached = this.#states.findCachedWithWallets(customerId, resourceId, now, verifiedSince);
    if (cached === undefined) return this.#creditUncached(customerId, resourceId, query, call, verifiedSince);
    const state =
      this.#overlay === undefined ? cached.state : this.#overlay.over(cached.state, customerId, resourceId, now);
    const result = decideCredit(state, query);
    if (!result.hasAccess && this.#states.asksBeforeDenying(cached, now))
      return this.#creditUncached(customerId, resourceId, query, call, verifiedSince);
    const source = this.#states.answersFrom(cached, customerId, resourceId, now);
    const answer = { result, source, verifiedAt: cached.verifiedAt };
    if (result.fallback === undefined || this.#assume === undefined) return answer;
    return this.#assume.credit({ customerId, resourceId }, query, answer);
  }

  #featureUncached(
    customerId: string,
    resourceId: string | undefined,
    query: FeatureQuery,
    call: CallContext,
    verifiedSince: number,
  ): Answer<FeatureDecision> | Promise<Answer<FeatureDecision>> {
    const unloaded = this.#states.findUnloaded(customerId, resourceId, "features");
    if (unloaded !== undefined) return this.#featureFrom(unloaded, { customerId, resourceId }, query);
    return this.#featureAfterMiss(customerId, resourceId, query, call, verifiedSince);
  }

  async #featureAfterMiss(
    customerId: string,
    resourceId: string | undefined,
    query: FeatureQuery,
    call: CallContext,
    verifiedSince: number,
  ): Promise<Answer<FeatureDecision>> {
    const subject = { customerId, resourceId };
    const isDenied = (found: CustomerState) => !this.#decideFeature(found, subject, query).hasAccess;
    const found = await this.#states.find(subject, call, "features", verifiedSince, isDenied);
    return this.#featureFrom(found, subject, query);
  }

  #featureFrom({ state: found, ...origin }: Lookup, subject: Subject, query: FeatureQuery): Answer<FeatureDecision> {
    const result =
      found === undefined
        ? decideFeatureWithoutState(query, this.#fallbacks)
        : this.#decideFeature(found, subject, query);
    const answer = { result, ...origin };
    return this.#assume === undefined ? answer : this.#assume.feature(subject, query, answer);
  }

  #creditUncached(
    customerId: string,
    resourceId: string | undefined,
    query: CreditQuery,
    call: CallContext,
    verifiedSince: number,
  ): Answer<CreditDecision> | Promise<Answer<CreditDecision>> {
    const unloaded = this.#states.findUnloaded(customerId, resourceId, "wallets");
    if (unloaded !== undefined) return this.#creditFrom(unloaded, { customerId, resourceId }, query);
    return this.#creditAfterMiss(customerId, resourceId, query, call, verifiedSince);
  }

  async #creditAfterMiss(
    customerId: string,
    resourceId: string | undefined,
    query: CreditQuery,
    call: CallContext,
    verifiedSince: number,
  ): Promise<Answer<CreditDecision>> {
    const subject = { customerId, resourceId };
    const isDenied = (found: CustomerState) => !this.#decideCredit(found, subject, query).hasAccess;
    const found = await this.#states.find(subject, call, "wallets", verifiedSince, isDenied);
    return this.#creditFrom(found, subject, query);
  }

  #creditFrom({ state: found, ...origin }: Lookup, subject: Subject, query: CreditQuery): Answer<CreditDecision> {
    const result = found === undefined ? decideCreditWithoutState(query) : this.#decideCredit(found, subject, query);
    const answer = { result, ...origin };
    return this.#assume === undefined ? answer : this.#assume.credit(subject, query, answer);
  }

  #decideFeature(found: CustomerState, { customerId, resourceId }: Subject, query: FeatureQuery): FeatureDecision {
    const now = this.#clock.now();
    const state = this.#overlay?.over(found, customerId, resourceId, now) ?? found;
    return decideFeature(state, query, now, this.#fallbacks);
  }

  #decideCredit(found: CustomerState, { customerId, resourceId }: Subject, query: CreditQuery): CreditDecision {
    return decideCredit(this.#overlay?.over(found, customerId, resourceId, this.#clock.now()) ?? found, query);
  }
}
