import fc from "fast-check";
import type { EntitlementsList } from "../../src/application/check/list-entitlements.js";
import type { CustomerStateInput } from "../../src/domain/build-customer-state.js";
import type { CustomerState } from "../../src/domain/customer-state.js";
import { decideCredit } from "../../src/domain/decision/decide-credit.js";
import { decideFeature } from "../../src/domain/decision/decide-feature.js";
import { stateInputs, times } from "./arbitraries.js";
import { creditQuery, featureQuery } from "./queries.js";

/** Numbers and texts that a wire format may get wrong: at the ends of what it holds, and beyond. */
const unusualNumbers = fc.oneof(
  fc.double({ noNaN: true }),
  fc.constantFrom(0, -0, -1, 2 ** 31, -(2 ** 31) - 1, 2 ** 53, -(2 ** 53), 127, 128, 16_384),
);
const unusualTimestamps = fc.oneof(
  times,
  fc.integer({ min: -1e15, max: 1e15 }),
  fc.constantFrom(
    0,
    -1,
    999,
    -62_135_596_800_000,
    -62_135_596_800_001,
    253_402_300_799_999,
    253_402_300_800_000,
    1.5,
    Infinity,
    NaN,
  ),
);
export const unusualTexts = fc.oneof(
  fc.string({ unit: "binary", maxLength: 200 }),
  fc.constantFrom("", "x".repeat(127), "x".repeat(128)),
);

const unusualUsages = fc.record({
  currentUsage: unusualNumbers,
  periodAnchor: unusualTimestamps,
  periodStart: unusualTimestamps,
  periodEnd: unusualTimestamps,
});

/** States as they are, and with something unusual in all of their parts. */
export const unusualStates: fc.Arbitrary<CustomerStateInput> = fc.oneof(
  stateInputs,
  fc
    .tuple(stateInputs, unusualTexts, unusualNumbers, unusualUsages)
    .map(([{ features = [], credits = [], ...rest }, text, limit, usage]) => ({
      ...rest,
      features: features.map((part) => ({
        ...part,
        usageLimit: limit,
        usage,
        enumValues: [text, ""],
        feature: { ...part.feature, units: text, unitsPlural: text },
      })),
      credits: credits.map((part) => ({
        ...part,
        usageLimit: limit,
        usage,
        currency: { ...part.currency, description: text },
      })),
    })),
);

/** Everything in a state, with nothing requested of it. */
export function listOf(state: CustomerState, now: number): EntitlementsList {
  return {
    features: Array.from(state.features(), ({ feature }) => decideFeature(state, featureQuery(feature.id), now)),
    credits: Array.from(state.credits(), ({ currency }) => decideCredit(state, creditQuery(currency.currencyId))),
    fallbacks: undefined,
    accessDeniedReason: state.accessDeniedReason,
  };
}
