import type { CustomerState } from "../../domain/customer-state.js";
import type { AccessDeniedReason } from "../../domain/decision/access-denied-reason.js";
import { decideCredit } from "../../domain/decision/decide-credit.js";
import { decideFeature } from "../../domain/decision/decide-feature.js";
import type { CreditDecision, FeatureDecision, FeatureQuery } from "../../domain/decision/decision.js";
import type { FallbackValues } from "../../domain/decision/fallback.js";
import type { Subject } from "../../domain/subject.js";
import type { CachedState } from "../../ports/cache-store.js";
import type { FallbackProvider } from "../../ports/checks.js";
import type { Clock } from "../../ports/clock.js";
import type { Answer, CallContext } from "../answer.js";
import type { FindState } from "../load/find-state.js";
import type { WantedEntitlements } from "../load/search-state.js";
import type { UsageOverlay } from "../report/usage-overlay.js";

/** Everything a subject is entitled to, each decided with nothing requested. */
export interface EntitlementsList {
  readonly features: readonly FeatureDecision[];
  readonly credits: readonly CreditDecision[];
  /** Set, instead of the two above, where no state can be had: the configured fallbacks by feature. */
  readonly fallbacks: ReadonlyMap<string, FallbackValues> | undefined;
  /** The state's own reason; `Unknown` where no state can be had. */
  readonly accessDeniedReason: AccessDeniedReason | undefined;
}

/** Lists a subject's entitlements. Fails no more than a check does. */
export class ListEntitlements {
  readonly #states: FindState;
  readonly #fallbacks: FallbackProvider;
  readonly #clock: Clock;
  readonly #overlay: UsageOverlay | undefined;

  /** @param overlay what was accepted and is not in upstream's usage yet; undefined: nothing ever is */
  constructor(states: FindState, fallbacks: FallbackProvider, clock: Clock, overlay?: UsageOverlay) {
    this.#states = states;
    this.#fallbacks = fallbacks;
    this.#clock = clock;
    this.#overlay = overlay;
  }

  list(subject: Subject, call: CallContext): Answer<EntitlementsList> | Promise<Answer<EntitlementsList>> {
    const now = this.#clock.now();
    const cached = this.#states.findCachedWithWallets(subject.customerId, subject.resourceId, now);
    return cached === undefined || this.#states.asksBeforeDenying(cached, now)
      ? this.#listAfterMiss(subject, "everything", call)
      : this.#listCached(cached, subject, now);
  }

  /** For who has no use for the wallets, which may be missing then. */
  listFeatures(subject: Subject, call: CallContext): Answer<EntitlementsList> | Promise<Answer<EntitlementsList>> {
    const now = this.#clock.now();
    const cached = this.#states.findCached(subject.customerId, subject.resourceId, now);
    return cached === undefined || this.#states.asksBeforeDenying(cached, now)
      ? this.#listAfterMiss(subject, "features", call)
      : this.#listCached(cached, subject, now);
  }

  #listCached({ state, verifiedAt }: CachedState, subject: Subject, now: number): Answer<EntitlementsList> {
    const source = this.#states.answersFrom({ verifiedAt }, subject.customerId, subject.resourceId, now);
    return { result: this.#entitlementsOf(state, subject, now), source, verifiedAt };
  }

  async #listAfterMiss(
    subject: Subject,
    wanted: WantedEntitlements,
    call: CallContext,
  ): Promise<Answer<EntitlementsList>> {
    const { state, source, verifiedAt } = await this.#states.find(subject, call, wanted, -Infinity, LEAVES_OUT);
    // Many may have waited for the same state, and all go on at once.
    await call.takeTurn?.();
    const result = state === undefined ? this.#fallbackList() : this.#entitlementsOf(state, subject, this.#clock.now());
    return { result, source, verifiedAt };
  }

  #entitlementsOf(state: CustomerState, { customerId, resourceId }: Subject, now: number): EntitlementsList {
    return entitlementsOf(this.#overlay?.over(state, customerId, resourceId, now) ?? state, now);
  }

  #fallbackList(): EntitlementsList {
    return { features: [], credits: [], fallbacks: this.#fallbacks.all(), accessDeniedReason: "Unknown" };
  }
}

/** A list denies all that is not in it. */
const LEAVES_OUT = () => true;

function entitlementsOf(state: CustomerState, now: number): EntitlementsList {
  const features: FeatureDecision[] = [];
  const credits: CreditDecision[] = [];
  for (const { feature } of state.features()) {
    features.push(decideFeature(state, nothingRequestedOf(feature.id), now));
  }
  for (const { currency } of state.credits()) {
    credits.push(
      decideCredit(state, { currencyId: currency.currencyId, requestedUsage: undefined, fallback: undefined }),
    );
  }
  return { features, credits, fallbacks: undefined, accessDeniedReason: state.accessDeniedReason };
}

/** Written out: copying an object with a spread takes longer than the decision. */
function nothingRequestedOf(featureId: string): FeatureQuery {
  return {
    featureId,
    kind: undefined,
    requestedUsage: undefined,
    requestedValues: NO_VALUES,
    fallback: undefined,
    fallbackWhenUnknown: false,
  };
}

const NO_VALUES: readonly string[] = [];
