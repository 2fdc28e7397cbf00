import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { buildCustomerState, type CustomerStateInput } from "../../../src/domain/build-customer-state.js";
import type { CustomerState } from "../../../src/domain/customer-state.js";
import { decideCredit, decideCreditWithoutState } from "../../../src/domain/decision/decide-credit.js";
import { decideFeature, decideFeatureWithoutState } from "../../../src/domain/decision/decide-feature.js";
import type { ConfiguredFallbacks } from "../../../src/domain/decision/fallback.js";
import {
  amounts,
  creditQueries,
  fallbackValues,
  FEATURE_IDS,
  featureQueries,
  optional,
  requests,
  stateInputs,
  states,
  times,
} from "../../builders/arbitraries.js";
import { contentsOf } from "../../builders/states.js";

const RUNS = { numRuns: 2_000 };

const configuredFallbacks: fc.Arbitrary<ConfiguredFallbacks> = optional(fallbackValues).map((values) => ({
  fallbackOf: (featureId) => (featureId === FEATURE_IDS[0] ? values : undefined),
}));

function frozen<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const part of Object.values(value)) frozen(part);
  }
  return value;
}

/** The same state with `more` added to every usage. */
function withMoreUsed(state: CustomerState, more: number): CustomerState {
  return state.withUsages({
    features: new Map([...state.features()].map(({ feature: { id } }) => [id, moreOf(state.featureUsage(id), more)])),
    credits: new Map(
      [...state.credits()].map(({ currency: { currencyId: id } }) => [id, moreOf(state.creditUsage(id), more)]),
    ),
  });
}

const moreOf = <U extends { readonly currentUsage: number }>(usage: U, more: number): U => ({
  ...usage,
  currentUsage: usage.currentUsage + more,
});

describe("whatever the state, the query and the time", () => {
  it("a decision on a feature never throws, changes nothing and is the same again", () => {
    fc.assert(
      fc.property(stateInputs, featureQueries, fc.double(), configuredFallbacks, (input, query, now, fallbacks) => {
        const state = frozen(buildCustomerState(frozen(input)));
        const before = contentsOf(state);
        const first = decideFeature(state, frozen(query), now, frozen(fallbacks));
        expect(decideFeature(buildCustomerState(input), query, now, fallbacks)).toEqual(first);
        expect(contentsOf(state)).toEqual(before);
        expect(decideFeatureWithoutState(query, fallbacks)).toEqual(decideFeatureWithoutState(query, fallbacks));
      }),
      RUNS,
    );
  });

  it("a decision on a wallet never throws, changes nothing and is the same again", () => {
    fc.assert(
      fc.property(stateInputs, creditQueries, (input, query) => {
        const state = frozen(buildCustomerState(frozen(input)));
        const before = contentsOf(state);
        const first = decideCredit(state, frozen(query));
        expect(decideCredit(buildCustomerState(input), query)).toEqual(first);
        expect(contentsOf(state)).toEqual(before);
        expect(decideCreditWithoutState(query).accessDeniedReason).toBe("Unknown");
      }),
      RUNS,
    );
  });

  it("a denial has a reason, and what is granted from the state has none", () => {
    fc.assert(
      fc.property(
        states,
        featureQueries,
        creditQueries,
        times,
        configuredFallbacks,
        (state, query, credit, now, fallbacks) => {
          for (const decision of [decideFeature(state, query, now, fallbacks), decideCredit(state, credit)]) {
            expect(decision.accessDeniedReason === undefined).toBe(
              decision.hasAccess && decision.fallback === undefined,
            );
          }
        },
      ),
      RUNS,
    );
  });

  it("a fallback is served of a known state only for another kind, or for the unknown where asked to", () => {
    fc.assert(
      fc.property(
        states,
        featureQueries,
        creditQueries,
        times,
        configuredFallbacks,
        (state, query, credit, now, fallbacks) => {
          const known = state.feature(query.featureId);
          const isMismatch = known !== undefined && query.kind !== undefined && query.kind !== known.kind;
          const given = query.fallback ?? fallbacks.fallbackOf(query.featureId);
          const isUnknownButGiven = known === undefined && query.fallbackWhenUnknown && given !== undefined;
          const { fallback, entitlement } = decideFeature(state, query, now, fallbacks);
          expect(fallback !== undefined).toBe(isMismatch || isUnknownButGiven);
          expect(entitlement).toBe(fallback === undefined ? known : undefined);
          expect(decideCredit(state, credit).fallback).toBeUndefined();
        },
      ),
      RUNS,
    );
  });

  it("what is said of the credits left is below 0 only under a soft limit", () => {
    fc.assert(
      fc.property(states, creditQueries, (state, query) => {
        const { remaining, entitlement, usage } = decideCredit(state, query);
        if (entitlement?.hasSoftLimit !== true) expect(remaining).toBeGreaterThanOrEqual(0);
        else expect(remaining).toBe(entitlement.usageLimit - (usage?.currentUsage ?? 0));
      }),
      RUNS,
    );
  });
});

describe("more never grants what less denied", () => {
  it("more requested usage of a feature", () => {
    fc.assert(
      fc.property(states, featureQueries, amounts, amounts, times, (state, query, less, more, now) => {
        const small = decideFeature(state, { ...query, requestedUsage: less }, now);
        const large = decideFeature(state, { ...query, requestedUsage: less + more }, now);
        expect(large.hasAccess && !small.hasAccess).toBe(false);
      }),
      RUNS,
    );
  });

  it("a request below 0, or that is no number, where nothing was requested", () => {
    fc.assert(
      fc.property(
        states,
        featureQueries,
        creditQueries,
        fc.oneof(requests, fc.constantFrom(NaN, Infinity, -Infinity)),
        times,
        (state, query, credit, requested, now) => {
          fc.pre(!(requested >= 0 && requested < Infinity));
          for (const decide of [
            (requestedUsage: number | undefined) => decideFeature(state, { ...query, requestedUsage }, now),
            (requestedUsage: number | undefined) => decideCredit(state, { ...credit, requestedUsage }),
          ]) {
            expect(decide(requested).hasAccess && !decide(undefined).hasAccess).toBe(false);
          }
        },
      ),
      RUNS,
    );
  });

  it("more requested values of a feature", () => {
    fc.assert(
      fc.property(
        states,
        featureQueries,
        fc.array(fc.constantFrom("a", "b", "c", "")),
        times,
        (state, query, more, now) => {
          const small = decideFeature(state, query, now);
          const large = decideFeature(state, { ...query, requestedValues: [...query.requestedValues, ...more] }, now);
          expect(large.hasAccess && !small.hasAccess).toBe(false);
        },
      ),
      RUNS,
    );
  });

  it("more requested credits of a wallet", () => {
    fc.assert(
      fc.property(states, creditQueries, amounts, amounts, (state, query, less, more) => {
        const small = decideCredit(state, { ...query, requestedUsage: less });
        const large = decideCredit(state, { ...query, requestedUsage: less + more });
        expect(large.hasAccess && !small.hasAccess).toBe(false);
      }),
      RUNS,
    );
  });

  it("more current usage of features and wallets", () => {
    fc.assert(
      fc.property(states, featureQueries, creditQueries, amounts, times, (state, query, credit, more, now) => {
        const used = withMoreUsed(state, more);
        expect(decideFeature(used, query, now).hasAccess && !decideFeature(state, query, now).hasAccess).toBe(false);
        expect(decideCredit(used, credit).hasAccess && !decideCredit(state, credit).hasAccess).toBe(false);
      }),
      RUNS,
    );
  });
});

describe("what is not asked about has no say", () => {
  it("another feature's entitlement never changes a decision", () => {
    const others = (input: CustomerStateInput, featureId: string) =>
      input.features?.filter(({ feature }) => feature.id !== featureId) ?? [];
    fc.assert(
      fc.property(stateInputs, stateInputs, featureQueries, times, (input, other, query, now) => {
        const own = input.features?.filter(({ feature }) => feature.id === query.featureId) ?? [];
        const crowded = buildCustomerState({ ...input, features: [...own, ...others(other, query.featureId)] });
        expect(decideFeature(crowded, query, now)).toEqual(decideFeature(buildCustomerState(input), query, now));
      }),
      RUNS,
    );
  });
});
