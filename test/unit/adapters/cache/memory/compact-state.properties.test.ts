import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { CompactState } from "../../../../../src/adapters/cache/memory/memory-state.js";
import { MemoryAccount } from "../../../../../src/adapters/cache/memory/shared-pool.js";
import { StateCompactor } from "../../../../../src/adapters/cache/memory/state-compactor.js";
import { buildCustomerState } from "../../../../../src/domain/build-customer-state.js";
import { decideCredit } from "../../../../../src/domain/decision/decide-credit.js";
import { decideFeature } from "../../../../../src/domain/decision/decide-feature.js";
import { newestState, newestUsage } from "../../../../../src/domain/newest-wins.js";
import {
  creditQueries,
  CURRENCY_IDS,
  FEATURE_IDS,
  featureQueries,
  optional,
  stateInputs,
  states,
  times,
  usages,
} from "../../../../builders/arbitraries.js";
import { contentsOf } from "../../../../builders/states.js";

const compactor = () => new StateCompactor(new MemoryAccount());

/** Every state, with ends in all of their arrangements: none, one for all, each its own. */
const inputs = fc
  .record({ input: stateInputs, end: optional(times), endsTogether: fc.boolean() })
  .map(({ input: { features = [], credits = [], ...rest }, end, endsTogether }) =>
    endsTogether
      ? {
          ...rest,
          features: features.map((part) => ({ ...part, validUntil: end })),
          credits: credits.map((part) => ({ ...part, validUntil: end })),
        }
      : { ...rest, features, credits },
  );

const usagesById = <T extends string>(ids: readonly T[]) =>
  optional(
    fc.array(fc.tuple(fc.constantFrom(...ids, "unknown"), usages), { maxLength: 3 }).map((entries) => new Map(entries)),
  );

describe("a state in compact form", () => {
  it("answers every method as the state that it was made from, alone and beside one that shares its set", () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const full = buildCustomerState(input);
        const kept = compactor();
        const sole = kept.keep(full);
        expect(sole).toBeInstanceOf(CompactState);
        expect(contentsOf(sole)).toEqual(contentsOf(full));
        const twin = kept.keep(buildCustomerState(input));
        expect(twin.set).toBe(sole.set);
        for (const state of [sole, twin]) {
          expect(contentsOf(state)).toEqual(contentsOf(full));
          expect([...state.features()].map(({ feature }) => feature.id)).toEqual(
            [...full.features()].map(({ feature }) => feature.id),
          );
          for (const id of [...FEATURE_IDS, "unknown"]) expect(state.feature(id)).toEqual(full.feature(id));
          for (const id of [...FEATURE_IDS, "unknown"]) expect(state.featureUsage(id)).toEqual(full.featureUsage(id));
          for (const id of [...CURRENCY_IDS, "unknown"]) expect(state.credit(id)).toEqual(full.credit(id));
          for (const id of [...CURRENCY_IDS, "unknown"]) expect(state.creditUsage(id)).toEqual(full.creditUsage(id));
        }
      }),
    );
  });

  it("is decided on as the state that it was made from", () => {
    fc.assert(
      fc.property(inputs, featureQueries, creditQueries, times, (input, featureQuery, creditQuery, now) => {
        const full = buildCustomerState(input);
        const compact = compactor().keep(full);
        expect(decideFeature(compact, featureQuery, now)).toEqual(decideFeature(full, featureQuery, now));
        expect(decideCredit(compact, creditQuery)).toEqual(decideCredit(full, creditQuery));
      }),
    );
  });

  it("takes usages as the state that it was made from, and stays as it was", () => {
    fc.assert(
      fc.property(inputs, usagesById(FEATURE_IDS), usagesById(CURRENCY_IDS), (input, features, credits) => {
        const full = buildCustomerState(input);
        const kept = compactor();
        const compact = kept.keep(full);
        const changed = compact.withUsages({ features, credits });
        expect(contentsOf(changed)).toEqual(contentsOf(full.withUsages({ features, credits })));
        expect(contentsOf(kept.keep(changed))).toEqual(contentsOf(changed));
        expect(contentsOf(compact)).toEqual(contentsOf(full));
      }),
    );
  });

  it("is the newest against any other as the state that it was made from", () => {
    const entitlements = fc.record({ type: fc.constant("feature" as const), id: fc.constantFrom(...FEATURE_IDS) });
    fc.assert(
      fc.property(inputs, inputs, entitlements, usages, (input, otherInput, entitlement, usage) => {
        const [full, other] = [buildCustomerState(input), buildCustomerState(otherInput)];
        const kept = compactor();
        const [compact, compactOther] = [kept.keep(full), kept.keep(other)];
        expect(contentsOf(newestState(compact, compactOther))).toEqual(contentsOf(newestState(full, other)));
        expect(contentsOf(newestState(compact, other))).toEqual(contentsOf(newestState(full, other)));
        expect(contentsOf(newestUsage(compact, entitlement, usage))).toEqual(
          contentsOf(newestUsage(full, entitlement, usage)),
        );
      }),
    );
  });
});

describe("what compact states share", () => {
  it("is kept once, for as long as one of them is kept, and not longer", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(states, fc.nat()), { maxLength: 20 }), (all) => {
        const account = new MemoryAccount();
        const kept = new StateCompactor(account);
        const held = [...all, ...all].map(([state, order]) => ({ compact: kept.keep(state), state, order }));
        held.sort((a, b) => a.order - b.order);
        for (const { compact, state } of held) {
          kept.release(compact);
          expect(contentsOf(compact)).toEqual(contentsOf(state));
        }
        expect(account.bytes).toBe(0);
      }),
    );
  });

  it("is found again in states that were kept elsewhere or are no longer kept", () => {
    fc.assert(
      fc.property(states, (state) => {
        const [here, elsewhere] = [compactor(), compactor()];
        const compact = here.keep(state);
        expect(here.keep(elsewhere.keep(state)).set).toBe(compact.set);
        here.release(compact);
        here.release(compact);
        const again = here.keep(compact);
        expect(again.set).not.toBe(compact.set);
        expect(here.keep(state).set).toBe(again.set);
      }),
    );
  });

  it.each<[string, Parameters<typeof buildCustomerState>[0]]>([
    ["a limit", { features: [{ feature: { id: "a", featureType: "NUMBER" }, usageLimit: 2 }] }],
    ["no limit", { features: [{ feature: { id: "a", featureType: "NUMBER" } }] }],
    [
      "a soft limit",
      { features: [{ feature: { id: "a", featureType: "NUMBER" }, usageLimit: 1, hasSoftLimit: true }] },
    ],
    [
      "no bound",
      { features: [{ feature: { id: "a", featureType: "NUMBER" }, usageLimit: 1, hasUnlimitedUsage: true }] },
    ],
    ["a name", { features: [{ feature: { id: "a", featureType: "NUMBER", displayName: "A" }, usageLimit: 1 }] }],
    ["units", { features: [{ feature: { id: "a", featureType: "NUMBER", units: "u" }, usageLimit: 1 }] }],
    [
      "several units",
      { features: [{ feature: { id: "a", featureType: "NUMBER", unitsPlural: "us" }, usageLimit: 1 }] },
    ],
    [
      "a meter",
      { features: [{ feature: { id: "a", featureType: "NUMBER", meterType: "Incremental" }, usageLimit: 1 }] },
    ],
    ["a type", { features: [{ feature: { id: "a", featureType: "BOOLEAN" }, usageLimit: 1 }] }],
    ["values", { features: [{ feature: { id: "a", featureType: "NUMBER" }, usageLimit: 1, enumValues: ["x"] }] }],
    ["other values", { features: [{ feature: { id: "a", featureType: "NUMBER" }, usageLimit: 1, enumValues: ["y"] }] }],
    [
      "a reason",
      { features: [{ feature: { id: "a", featureType: "NUMBER" }, usageLimit: 1, accessDeniedReason: "Revoked" }] },
    ],
    [
      "a rate",
      {
        features: [
          { feature: { id: "a", featureType: "NUMBER" }, usageLimit: 1, creditRate: { amount: 1, currencyId: "c" } },
        ],
      },
    ],
    [
      "another amount",
      {
        features: [
          { feature: { id: "a", featureType: "NUMBER" }, usageLimit: 1, creditRate: { amount: 2, currencyId: "c" } },
        ],
      },
    ],
    [
      "another currency",
      {
        features: [
          { feature: { id: "a", featureType: "NUMBER" }, usageLimit: 1, creditRate: { amount: 1, currencyId: "d" } },
        ],
      },
    ],
    ["a reset", { features: [{ feature: { id: "a", featureType: "NUMBER" }, usageLimit: 1, resetPeriod: "DAY" }] }],
    [
      "how it resets",
      { features: [{ feature: { id: "a", featureType: "NUMBER" }, usageLimit: 1, resetPeriodConfiguration: "x" }] },
    ],
    ["a wallet", { credits: [{ currency: { currencyId: "c", displayName: "C" }, usageLimit: 1 }] }],
    ["a wallet's size", { credits: [{ currency: { currencyId: "c", displayName: "C" }, usageLimit: 2 }] }],
    ["a wallet's name", { credits: [{ currency: { currencyId: "c", displayName: "D" }, usageLimit: 1 }] }],
    [
      "a wallet's data",
      {
        credits: [{ currency: { currencyId: "c", displayName: "C", additionalMetaData: { tier: 1 } }, usageLimit: 1 }],
      },
    ],
    [
      "a wallet's reason",
      { credits: [{ currency: { currencyId: "c", displayName: "C" }, usageLimit: 1, accessDeniedReason: "Revoked" }] },
    ],
    [
      "that it tells no wallets",
      { features: [{ feature: { id: "a", featureType: "NUMBER" }, usageLimit: 1 }], includesWallets: false },
    ],
    [
      "a wallet's soft limit",
      { credits: [{ currency: { currencyId: "c", displayName: "C" }, usageLimit: 1, hasSoftLimit: true }] },
    ],
  ])("is another where %s differs", (_, input) => {
    const kept = compactor();
    const others = [
      { features: [{ feature: { id: "a", featureType: "NUMBER" as const }, usageLimit: 1 }] },
      { features: [{ feature: { id: "b", featureType: "NUMBER" as const }, usageLimit: 1 }] },
      {},
    ];
    const sets = [...others, input].map((each) => kept.keep(buildCustomerState(each)).set);
    expect(new Set(sets).size).toBe(4);
    // Not only by a hash, which others may have.
    const [base, , , other] = sets.map(({ schema }) => schema.features[0]);
    if (base !== undefined && other !== undefined && base !== other) {
      const stated = other.with(other.isLimited ? 1 : undefined, undefined);
      expect(
        base.definition.isOf(other.definition.feature) && base.isOf(base.definition, stated, other.isCounted),
      ).toBe(false);
    }
    expect(contentsOf(kept.keep(buildCustomerState(input)))).toEqual(contentsOf(buildCustomerState(input)));
  });
});
