import { decideCredit, decideCreditWithoutState } from "../../domain/decide-credit.js";
import { decideFeature, decideFeatureWithoutState } from "../../domain/decide-feature.js";
import type { CreditDecision, CreditQuery, FeatureDecision, FeatureQuery } from "../../domain/decision.js";
import type { Clock } from "../../ports/clock.js";
import type { FallbackProvider } from "../../ports/fallback-provider.js";
import type { Answer, CallContext } from "../answer.js";
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

  constructor(states: FindState, fallbacks: FallbackProvider, clock: Clock) {
    this.#states = states;
    this.#fallbacks = fallbacks;
    this.#clock = clock;
  }

  /** @throws CodedError `cancelled` (by rejection) when the caller goes away while a state is fetched */
  feature(
    customerId: string,
    resourceId: string | undefined,
    query: FeatureQuery,
    call: CallContext,
  ): Answer<FeatureDecision> | Promise<Answer<FeatureDecision>> {
    const now = this.#clock.now();
    const cached = this.#states.atHand(customerId, resourceId, now);
    if (cached === undefined) return this.#featureAfterMiss(customerId, resourceId, query, call);
    return {
      result: decideFeature(cached.state, query, now, this.#fallbacks),
      source: "memory",
      verifiedAt: cached.verifiedAt,
    };
  }

  /** @throws CodedError `cancelled` (by rejection) when the caller goes away while a state is fetched */
  credit(
    customerId: string,
    resourceId: string | undefined,
    query: CreditQuery,
    call: CallContext,
  ): Answer<CreditDecision> | Promise<Answer<CreditDecision>> {
    const cached = this.#states.atHandWithWallets(customerId, resourceId, this.#clock.now());
    if (cached === undefined) return this.#creditAfterMiss(customerId, resourceId, query, call);
    return { result: decideCredit(cached.state, query), source: "memory", verifiedAt: cached.verifiedAt };
  }

  async #featureAfterMiss(
    customerId: string,
    resourceId: string | undefined,
    query: FeatureQuery,
    call: CallContext,
  ): Promise<Answer<FeatureDecision>> {
    const { state, source, verifiedAt } = await this.#states.find({ customerId, resourceId }, call, "features");
    const result =
      state === undefined
        ? decideFeatureWithoutState(query, this.#fallbacks)
        : decideFeature(state, query, this.#clock.now(), this.#fallbacks);
    return { result, source, verifiedAt };
  }

  async #creditAfterMiss(
    customerId: string,
    resourceId: string | undefined,
    query: CreditQuery,
    call: CallContext,
  ): Promise<Answer<CreditDecision>> {
    const { state, source, verifiedAt } = await this.#states.find({ customerId, resourceId }, call, "wallets");
    const result = state === undefined ? decideCreditWithoutState(query) : decideCredit(state, query);
    return { result, source, verifiedAt };
  }
}
