import { decideCredit, decideCreditWithoutState } from "../../domain/decide-credit.js";
import { decideFeature, decideFeatureWithoutState } from "../../domain/decide-feature.js";
import type { CreditDecision, CreditQuery, FeatureDecision, FeatureQuery } from "../../domain/decision.js";
import type { Clock } from "../../ports/clock.js";
import type { FallbackProvider } from "../../ports/fallback-provider.js";
import type { Answer, CallContext } from "../answer.js";
import type { AssumeAnswers } from "../assume-answers.js";
import type { FindState } from "../load/find-state.js";

/**
 * Answers whether a customer may use a feature or spend credits. Where a state is at hand the answer comes
 * back at once, not as a promise. Never fails for want of upstream: then a known state serves however old
 * it is, and after that the fallback.
 */
export class CheckEntitlement {
  readonly #states: FindState;
  readonly #fallbacks: FallbackProvider;
  readonly #clock: Clock;
  readonly #assume: AssumeAnswers | undefined;

  /** @param assume what answers where nothing fresh can be had; not given: what is known, however old, and then the fallback */
  constructor(states: FindState, fallbacks: FallbackProvider, clock: Clock, assume?: AssumeAnswers) {
    this.#states = states;
    this.#fallbacks = fallbacks;
    this.#clock = clock;
    this.#assume = assume;
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
    const cached = this.#states.atHand(customerId, resourceId, now, verifiedSince);
    if (cached === undefined) return this.#featureAfterMiss(customerId, resourceId, query, call, verifiedSince);
    const result = decideFeature(cached.state, query, now, this.#fallbacks);
    if (result.fallback === undefined || this.#assume === undefined)
      return { result, source: "memory", verifiedAt: cached.verifiedAt };
    return this.#assume.feature({ customerId, resourceId }, query, {
      result,
      source: "memory",
      verifiedAt: cached.verifiedAt,
    });
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
    const cached = this.#states.atHandWithWallets(customerId, resourceId, now, verifiedSince);
    if (cached === undefined) return this.#creditAfterMiss(customerId, resourceId, query, call, verifiedSince);
    const result = decideCredit(cached.state, query);
    if (result.fallback === undefined || this.#assume === undefined)
      return { result, source: "memory", verifiedAt: cached.verifiedAt };
    return this.#assume.credit({ customerId, resourceId }, query, {
      result,
      source: "memory",
      verifiedAt: cached.verifiedAt,
    });
  }

  async #featureAfterMiss(
    customerId: string,
    resourceId: string | undefined,
    query: FeatureQuery,
    call: CallContext,
    verifiedSince: number,
  ): Promise<Answer<FeatureDecision>> {
    const { state, source, verifiedAt } = await this.#states.find(
      { customerId, resourceId },
      call,
      "features",
      verifiedSince,
    );
    const result =
      state === undefined
        ? decideFeatureWithoutState(query, this.#fallbacks)
        : decideFeature(state, query, this.#clock.now(), this.#fallbacks);
    const answer = { result, source, verifiedAt };
    return this.#assume === undefined ? answer : this.#assume.feature({ customerId, resourceId }, query, answer);
  }

  async #creditAfterMiss(
    customerId: string,
    resourceId: string | undefined,
    query: CreditQuery,
    call: CallContext,
    verifiedSince: number,
  ): Promise<Answer<CreditDecision>> {
    const { state, source, verifiedAt } = await this.#states.find(
      { customerId, resourceId },
      call,
      "wallets",
      verifiedSince,
    );
    const result = state === undefined ? decideCreditWithoutState(query) : decideCredit(state, query);
    const answer = { result, source, verifiedAt };
    return this.#assume === undefined ? answer : this.#assume.credit({ customerId, resourceId }, query, answer);
  }
}
