import { describe, expect, it } from "@jest/globals";
import type { Change } from "../../../src/domain/change.js";
import type { CustomerState } from "../../../src/domain/customer-state.js";
import {
  changeWithPossibleTimestamps,
  withDefaultTimestamps,
  withPossibleTimestamps,
} from "../../../src/domain/with-default-timestamps.js";
import { emptyState, metered, stateWith, wallet } from "../../builders/states.js";

const AT = 5_000;

describe("a state without a timestamp of its own", () => {
  it("gets that of its change, and so do its usages", () => {
    const state = withDefaultTimestamps(
      stateWith([metered({ usage: { currentUsage: 3 } })], { credits: [wallet({ usage: { currentUsage: 4 } })] }),
      AT,
    );
    expect([state.updatedAt, state.featureUsage("seats").updatedAt, state.creditUsage("credits").updatedAt]).toEqual([
      AT,
      AT,
      AT,
    ]);
  });
});

describe("a state with a timestamp", () => {
  it("keeps it, and gives it to usages that have none", () => {
    const state = withDefaultTimestamps(stateWith([metered({ usage: { currentUsage: 3 } })], { updatedAt: 1_000 }), AT);
    expect([state.updatedAt, state.featureUsage("seats").updatedAt]).toEqual([1_000, 1_000]);
  });

  it("is the same object where its usages have timestamps of their own", () => {
    const usage = { currentUsage: 3, updatedAt: 900 };
    const state = stateWith([metered({ usage })], { credits: [wallet({ usage })], updatedAt: 1_000 });
    expect(withDefaultTimestamps(state, AT)).toBe(state);
  });
});

it("an empty state has nothing that could be older or newer", () => {
  const state = emptyState("CustomerNotFound");
  expect(withDefaultTimestamps(state, AT)).toBe(state);
});

describe("a timestamp that is more than a day ahead", () => {
  const NOW = Date.UTC(2026, 2, 1);
  const DAY = 86_400_000;
  const FAR = Date.UTC(2999, 0, 1);
  const usage = (updatedAt: number) => ({ currentUsage: 3, updatedAt });
  const stateAt = (set: number, ofUsage: number, ofWallet: number) =>
    stateWith([metered({ usage: usage(ofUsage) })], { credits: [wallet({ usage: usage(ofWallet) })], updatedAt: set });
  const timesOf = (state: CustomerState) => [
    state.updatedAt,
    state.featureUsage("seats").updatedAt,
    state.creditUsage("credits").updatedAt,
  ];

  it.each<[what: string, times: [number, number, number], kept: (number | undefined)[]]>([
    ["of the set", [FAR, NOW, NOW], [undefined, NOW, NOW]],
    ["of a usage", [NOW, FAR, NOW], [NOW, undefined, NOW]],
    ["of a wallet", [NOW, NOW, FAR], [NOW, NOW, undefined]],
    ["of all", [FAR, FAR, FAR], [undefined, undefined, undefined]],
  ])("(%s) is none, so that what comes next is newer", (_, times, kept) => {
    const state = withPossibleTimestamps(stateAt(...times), NOW);
    expect(timesOf(state)).toEqual(kept);
    expect(state.featureUsage("seats").currentUsage).toBe(3);
    expect(state.feature("seats")?.usageLimit).toBe(stateAt(...times).feature("seats")?.usageLimit);
  });

  it("is told from one that a clock may show", () => {
    const state = stateAt(NOW + DAY, NOW + DAY, NOW + DAY);
    expect(withPossibleTimestamps(state, NOW)).toBe(state);
  });

  const subject = { customerId: "acme" };
  const entitlement = { type: "feature", id: "seats" } as const;
  const changes: readonly ((at: number) => Change)[] = [
    (at) => ({ type: "entitlements-updated", subject, state: stateAt(at, NOW, NOW) }),
    (at) => ({ type: "usage-updated", subject, entitlement, usage: usage(at) }),
  ];

  it.each(changes)("is none in a change %#, which else is the same", (change) => {
    const possible = changeWithPossibleTimestamps(change(FAR), NOW);
    if (possible.type === "entitlements-updated") expect(possible.state.updatedAt).toBeUndefined();
    else expect(possible).toMatchObject({ usage: { currentUsage: 3, updatedAt: undefined } });
    const fine = change(NOW);
    expect(changeWithPossibleTimestamps(fine, NOW)).toBe(fine);
  });

  it("is in no change that brings no data", () => {
    const change = { type: "subject-invalidated", subject } as const;
    expect(changeWithPossibleTimestamps(change, NOW)).toBe(change);
  });
});
