import { MemoryCache } from "../../../src/adapters/cache/memory/memory-cache.js";
import { buildCustomerState, type CustomerStateInput } from "../../../src/domain/build-customer-state.js";
import { newTelemetry } from "../../../src/ports/telemetry.js";
import type { ConfiguredFallbacks } from "../decisions.js";
import { someCreditQuery, someFallbacks, someFeatureQuery, someState, someTime } from "../generate.js";
import type { Kind } from "../kind.js";
import { compareAnswers, type Queries } from "../product.js";

interface Decision {
  readonly now: number;
  readonly state: CustomerStateInput;
  readonly queries: Queries;
  readonly configured: ConfiguredFallbacks;
}

const SUBJECT = { customerId: "c" };
const cache = new MemoryCache(64 * 1024 * 1024, newTelemetry());

/** One state, as the memory cache keeps it, and some checks of it. */
export const DECISIONS: Kind<Decision> = {
  name: "decisions",
  share: 70,
  generate: (random) => {
    const now = someTime(random);
    return {
      now,
      state: someState(random, now),
      queries: {
        features: [someFeatureQuery(random), someFeatureQuery(random), someFeatureQuery(random)],
        credits: [someCreditQuery(random)],
      },
      configured: someFallbacks(random),
    };
  },
  run: ({ now, state, queries, configured }) => {
    const built = buildCustomerState(state);
    const own = compareAnswers("as it is reported", built, state, queries, now, configured);
    if (own !== undefined) return own;
    void cache.forget(SUBJECT);
    void cache.put(SUBJECT, { state: built, verifiedAt: now, recheckAt: Infinity, isVerified: true });
    const cached = cache.peek(SUBJECT.customerId, undefined);
    return cached === undefined
      ? { at: "the cache", product: undefined, model: "a state" }
      : compareAnswers("as it is cached", cached.state, state, queries, now, configured);
  },
};
