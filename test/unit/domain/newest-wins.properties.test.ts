import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { buildCustomerState } from "../../../src/domain/build-customer-state.js";
import { applySubjectChange, type SubjectChange } from "../../../src/domain/change.js";
import type { CustomerState } from "../../../src/domain/customer-state.js";
import type { EntitlementReference } from "../../../src/domain/entitlement.js";
import { newestState, newestUsage } from "../../../src/domain/newest-wins.js";
import type { Usage } from "../../../src/domain/usage/usage.js";
import { amounts, FEATURE_IDS, optional, states, times } from "../../builders/arbitraries.js";
import { contentsOf } from "../../builders/states.js";

const RUNS = { numRuns: 2_000 };
const subject = { customerId: "c" };
const CURRENCY = "c1";

const references: readonly EntitlementReference[] = [
  ...FEATURE_IDS.map((id) => ({ type: "feature", id }) as const),
  { type: "credit", id: CURRENCY },
];

/** What a write says of one entitlement, before it is known when it says so. */
interface Word {
  readonly amount: number;
  readonly limit: number;
  readonly anchor: number | undefined;
  readonly period: { readonly periodStart: number; readonly periodEnd: number };
}

const words: fc.Arbitrary<Word> = fc.record({
  amount: amounts,
  limit: amounts,
  anchor: optional(times),
  period: fc.tuple(times, times).map(([periodStart, periodEnd]) => ({ periodStart, periodEnd })),
});

/** One writer's changes: all of the set, or the usage of one entitlement. */
interface KnownChange {
  readonly about: EntitlementReference | "set";
  readonly words: readonly Word[];
}

const change: fc.Arbitrary<KnownChange> = fc.record({
  about: fc.constantFrom<EntitlementReference | "set">("set", "set", ...references),
  words: fc.array(words, { minLength: references.length, maxLength: references.length }),
});

/** When each of some writes was made: no two at the same time, in any order. */
const distinctTimestamps = (count: number) =>
  fc.uniqueArray(fc.nat({ max: 1_000 }), { minLength: count, maxLength: count });

/** A set that is stored, and then some changes, each with timestamps of its own for the set and for each usage in it. */
const histories = fc.integer({ min: 2, max: 5 }).chain((count) =>
  fc.record({
    said: fc.array(change, { minLength: count, maxLength: count }),
    setTimestamps: distinctTimestamps(count),
    usageTimestamps: fc.tuple(...references.map(() => distinctTimestamps(count))),
    hasPeriods: fc.boolean(),
  }),
);

interface History {
  readonly stored: CustomerState;
  readonly changes: readonly SubjectChange[];
}

const writtenHistories: fc.Arbitrary<History> = histories.map(
  ({ said, setTimestamps, usageTimestamps, hasPeriods }) => {
    const usageOf = (write: number, entitlement: number): Usage => ({
      currentUsage: said[write]!.words[entitlement]!.amount,
      updatedAt: usageTimestamps[entitlement]![write]!,
      ...(hasPeriods ? said[write]!.words[entitlement]!.period : {}),
    });
    const setOf = (write: number) =>
      buildCustomerState({
        updatedAt: setTimestamps[write],
        features: FEATURE_IDS.map((id, i) => ({
          feature: { id, featureType: "NUMBER", meterType: "Incremental" },
          resetPeriod: "MONTH",
          usageLimit: said[write]!.words[i]!.limit,
          usage: { ...usageOf(write, i), periodAnchor: said[write]!.words[i]!.anchor },
        })),
        credits: [
          {
            currency: { currencyId: CURRENCY, displayName: CURRENCY },
            usageLimit: said[write]!.words.at(-1)!.limit,
            usage: usageOf(write, references.length - 1),
          },
        ],
      });
    const changeOf = (write: number): SubjectChange => {
      const { about } = said[write]!;
      if (about === "set") return { type: "entitlements-updated", subject, state: setOf(write) };
      return {
        type: "usage-updated",
        subject,
        entitlement: about,
        usage: usageOf(
          write,
          references.findIndex((of) => of === about),
        ),
      };
    };
    return { stored: setOf(0), changes: said.slice(1).map((_, i) => changeOf(i + 1)) };
  },
);

function afterEvents(stored: CustomerState, changes: readonly SubjectChange[]): CustomerState {
  return changes.reduce((state, change) => {
    const outcome = applySubjectChange(state, change);
    return outcome.effect === "replace" || outcome.effect === "refine" ? outcome.state : state;
  }, stored);
}

/** The same, where the sets are fetched and the usages come from reports. */
function afterFetches(stored: CustomerState, changes: readonly SubjectChange[]): CustomerState {
  return changes.reduce((state, change) => {
    if (change.type === "entitlements-updated") return newestState(state, change.state);
    return change.type === "usage-updated" ? newestUsage(state, change.entitlement, change.usage) : state;
  }, stored);
}

const shuffledHistories = writtenHistories.chain(({ stored, changes }) =>
  fc
    .shuffledSubarray([...changes], { minLength: changes.length, maxLength: changes.length })
    .map((shuffled) => ({ stored, changes, shuffled })),
);

describe("writes with different timestamps", () => {
  it("come to the same in any order, as events", () => {
    fc.assert(
      fc.property(shuffledHistories, ({ stored, changes, shuffled }) => {
        expect(contentsOf(afterEvents(stored, shuffled))).toEqual(contentsOf(afterEvents(stored, changes)));
      }),
      RUNS,
    );
  });

  it("come to the same in any order, as fetches and reports", () => {
    fc.assert(
      fc.property(shuffledHistories, ({ stored, changes, shuffled }) => {
        expect(contentsOf(afterFetches(stored, shuffled))).toEqual(contentsOf(afterEvents(stored, changes)));
      }),
      RUNS,
    );
  });

  it("leave the newest set's terms, and of each usage the newest amount", () => {
    fc.assert(
      fc.property(writtenHistories, ({ stored, changes }) => {
        const after = afterEvents(stored, changes);
        const sets = [
          stored,
          ...changes.flatMap((change) => (change.type === "entitlements-updated" ? [change.state] : [])),
        ];
        const newestSet = sets.reduce((a, b) => (b.updatedAt! > a.updatedAt! ? b : a));
        for (const id of FEATURE_IDS) {
          const received = [
            ...sets.map((set) => set.featureUsage(id)),
            ...changes.flatMap((change) =>
              change.type === "usage-updated" && change.entitlement.id === id ? [change.usage] : [],
            ),
          ];
          const newest = received.reduce((a, b) => (b.updatedAt! > a.updatedAt! ? b : a));
          expect(after.feature(id)).toEqual(newestSet.feature(id));
          expect(after.featureUsage(id)).toMatchObject({
            currentUsage: newest.currentUsage,
            updatedAt: newest.updatedAt,
          });
          expect(after.featureUsage(id).periodAnchor).toBe(newestSet.featureUsage(id).periodAnchor);
        }
      }),
      RUNS,
    );
  });

  it("of two sets of any entitlements come to the same in either order, where nothing was known before", () => {
    const datedStates = states.filter((state) => state.updatedAt !== undefined);
    fc.assert(
      fc.property(datedStates, datedStates, (a, b) => {
        fc.pre(a.updatedAt !== b.updatedAt && !haveATieInUsage(a, b));
        expect(contentsOf(newestState(newestState(undefined, a), b))).toEqual(
          contentsOf(newestState(newestState(undefined, b), a)),
        );
      }),
      RUNS,
    );
  });
});

function haveATieInUsage(a: CustomerState, b: CustomerState): boolean {
  const isTie = (one: Usage, other: Usage) =>
    one.updatedAt === undefined || other.updatedAt === undefined || one.updatedAt === other.updatedAt;
  return (
    [...a.features()].some(
      ({ feature: { id } }) => b.feature(id) !== undefined && isTie(a.featureUsage(id), b.featureUsage(id)),
    ) ||
    [...a.credits()].some(
      ({ currency: { currencyId: id } }) => b.credit(id) !== undefined && isTie(a.creditUsage(id), b.creditUsage(id)),
    )
  );
}

describe("a write that comes twice", () => {
  it("is as if it had come once", () => {
    fc.assert(
      fc.property(writtenHistories, ({ stored, changes }) => {
        const twice = changes.flatMap((change) => [change, change]);
        expect(contentsOf(afterEvents(stored, twice))).toEqual(contentsOf(afterEvents(stored, changes)));
        expect(contentsOf(afterFetches(stored, [...changes, ...changes]))).toEqual(
          contentsOf(afterEvents(stored, changes)),
        );
      }),
      RUNS,
    );
  });

  it("of a state over itself changes nothing", () => {
    fc.assert(
      fc.property(states, (state) => {
        expect(contentsOf(newestState(state, state))).toEqual(contentsOf(state));
      }),
      RUNS,
    );
  });
});

describe("applying a change", () => {
  it("never changes the state that was stored", () => {
    fc.assert(
      fc.property(writtenHistories, ({ stored, changes }) => {
        const before = contentsOf(stored);
        afterEvents(stored, changes);
        expect(contentsOf(stored)).toEqual(before);
      }),
      RUNS,
    );
  });
});
