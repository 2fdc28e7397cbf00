import { describe, expect, it } from "@jest/globals";
import type { CustomerState } from "../../../src/domain/customer-state.js";
import { isOlder, newestState, newestUsage } from "../../../src/domain/newest-wins.js";
import type { Usage } from "../../../src/domain/usage/usage.js";
import { boolean, contentsOf, emptyState, metered, stateWith, wallet } from "../../builders/states.js";

describe("whether a write is older than what is stored", () => {
  it.each([
    { incoming: 1, stored: 2, older: true },
    { incoming: 2, stored: 2, older: false },
    { incoming: 3, stored: 2, older: false },
    { incoming: 0, stored: 1, older: true },
    { incoming: undefined, stored: 2, older: false },
    { incoming: 1, stored: undefined, older: false },
    { incoming: undefined, stored: undefined, older: false },
  ])("$incoming over $stored: $older", ({ incoming, stored, older }) => {
    expect(isOlder(incoming, stored)).toBe(older);
  });
});

function setOf(limit: number, updatedAt: number | undefined, usage: Usage = { currentUsage: 0 }): CustomerState {
  return stateWith([metered({ usageLimit: limit, usage })], { updatedAt });
}

const limitOf = (state: CustomerState) => state.feature("seats")?.usageLimit;

describe("sets of entitlements", () => {
  it.each([
    { when: "a newer one replaces", stored: 1, incoming: 2, limit: 20 },
    { when: "an equally new one replaces: the last writer wins", stored: 2, incoming: 2, limit: 20 },
    { when: "an older one is dropped", stored: 3, incoming: 2, limit: 10 },
    { when: "one without a timestamp replaces", stored: 3, incoming: undefined, limit: 20 },
    { when: "one replaces what has no timestamp", stored: undefined, incoming: 1, limit: 20 },
  ])("$when", ({ stored, incoming, limit }) => {
    expect(limitOf(newestState(setOf(10, stored), setOf(20, incoming)))).toBe(limit);
  });

  it("the first one is taken as it is", () => {
    const first = setOf(10, 1);
    expect(newestState(undefined, first)).toBe(first);
  });

  it("an empty one has no timestamp and always replaces", () => {
    const replaced = newestState(setOf(10, 9), emptyState("CustomerIsArchived"));
    expect(contentsOf(replaced)).toEqual(contentsOf(emptyState("CustomerIsArchived")));
  });

  it("any one replaces an empty one", () => {
    expect(limitOf(newestState(stateWith([], { updatedAt: 9 }), setOf(10, 1)))).toBe(10);
  });

  it("a newer one takes away what it does not name", () => {
    const replaced = newestState(
      stateWith([metered(), boolean()], { updatedAt: 1 }),
      stateWith([boolean()], { updatedAt: 2 }),
    );
    expect([...replaced.features()].map(({ feature }) => feature.id)).toEqual(["sso"]);
  });

  it.each([
    { stored: 1, incoming: 2, tells: false },
    { stored: 2, incoming: 1, tells: true },
  ])("the one that counts says whether wallets are reported: $incoming over $stored", ({ stored, incoming, tells }) => {
    const full = stateWith([metered()], { credits: [wallet()], updatedAt: stored });
    const merged = newestState(full, stateWith([metered()], { includesWallets: false, updatedAt: incoming }));
    expect([merged.includesWallets, merged.creditCount]).toEqual([tells, tells ? 1 : 0]);
  });
});

describe("usages that come with sets are ordered on their own", () => {
  it.each([
    { set: "newer", stored: 1, incoming: 2, usage: "newer", received: 5, used: 7 },
    { set: "newer", stored: 1, incoming: 2, usage: "older", received: 3, used: 4 },
    { set: "newer", stored: 1, incoming: 2, usage: "equally new", received: 4, used: 7 },
    { set: "older", stored: 2, incoming: 1, usage: "newer", received: 5, used: 7 },
    { set: "older", stored: 2, incoming: 1, usage: "older", received: 3, used: 4 },
  ])("a $set set with a $usage usage", ({ stored, incoming, received, used }) => {
    const merged = newestState(
      setOf(10, stored, { currentUsage: 4, updatedAt: 4 }),
      setOf(20, incoming, { currentUsage: 7, updatedAt: received }),
    );
    expect(merged.featureUsage("seats").currentUsage).toBe(used);
    expect(limitOf(merged)).toBe(incoming > stored ? 20 : 10);
  });

  it("so are those of wallets", () => {
    const ofWallet = (updatedAt: number, used: number, usageUpdatedAt: number) =>
      stateWith([], { updatedAt, credits: [wallet({ usage: { currentUsage: used, updatedAt: usageUpdatedAt } })] });
    expect(newestState(ofWallet(1, 40, 4), ofWallet(2, 70, 3)).creditUsage("credits").currentUsage).toBe(40);
    expect(newestState(ofWallet(2, 40, 4), ofWallet(1, 70, 5)).creditUsage("credits").currentUsage).toBe(70);
    expect(newestState(ofWallet(2, 40, 4), ofWallet(1, 70, 3)).creditUsage("credits").currentUsage).toBe(40);
  });

  it("the anchor is the newer set's, also where the usage is the older set's", () => {
    const stored = setOf(10, 1, { currentUsage: 4, updatedAt: 9, periodAnchor: 100 });
    expect(
      newestState(stored, setOf(20, 2, { currentUsage: 0, updatedAt: 3, periodAnchor: 200 })).featureUsage("seats"),
    ).toEqual({
      currentUsage: 4,
      updatedAt: 9,
      periodAnchor: 200,
    });
    expect(
      newestState(stored, setOf(20, 2, { currentUsage: 0, updatedAt: 3 })).featureUsage("seats").periodAnchor,
    ).toBeUndefined();
  });
});

describe("a usage on its own", () => {
  const JAN = Date.UTC(2026, 0, 1);
  const FEB = Date.UTC(2026, 1, 1);
  const MAR = Date.UTC(2026, 2, 1);
  const stored: Usage = { currentUsage: 4, updatedAt: JAN + 10, periodAnchor: JAN, periodStart: JAN, periodEnd: FEB };
  const state = stateWith([metered({ usage: stored, resetPeriod: "MONTH" })], {
    updatedAt: JAN,
    credits: [wallet({ usage: stored })],
  });
  const seats = { type: "feature", id: "seats" } as const;
  const credits = { type: "credit", id: "credits" } as const;

  it.each([
    { when: "newer is taken", updatedAt: JAN + 11, used: 7 },
    { when: "equally new is taken: the last writer wins", updatedAt: JAN + 10, used: 7 },
    { when: "older is dropped", updatedAt: JAN + 9, used: 4 },
    { when: "without a timestamp is taken", updatedAt: undefined, used: 7 },
  ])("$when", ({ updatedAt, used }) => {
    expect(newestUsage(state, seats, { currentUsage: 7, updatedAt }).featureUsage("seats").currentUsage).toBe(used);
    expect(newestUsage(state, credits, { currentUsage: 7, updatedAt }).creditUsage("credits").currentUsage).toBe(used);
  });

  it.each([seats, credits])("older leaves the very same state (%j)", (of) => {
    expect(newestUsage(state, of, { currentUsage: 7, updatedAt: JAN })).toBe(state);
  });

  it.each([
    { type: "feature", id: "other" },
    { type: "credit", id: "other" },
    { type: "feature", id: "credits" },
    { type: "credit", id: "seats" },
  ] as const)("of what the set does not have is dropped (%j)", (of) => {
    expect(newestUsage(state, of, { currentUsage: 7, updatedAt: MAR })).toBe(state);
  });

  it("without a timestamp keeps the one that is known, so that older changes stay older", () => {
    expect(newestUsage(state, seats, { currentUsage: 7 }).featureUsage("seats").updatedAt).toBe(JAN + 10);
  });

  it("touches neither the limits, nor the time of the set, nor other usages", () => {
    const updated = newestUsage(state, seats, { currentUsage: 7, updatedAt: JAN + 11 });
    expect(updated.updatedAt).toBe(JAN);
    expect(limitOf(updated)).toBe(10);
    expect(updated.creditUsage("credits")).toEqual(stored);
    expect(state.featureUsage("seats")).toEqual(stored);
  });

  it("that says no period is of the period that is known", () => {
    const updated = newestUsage(state, seats, { currentUsage: 7, updatedAt: JAN + 11 });
    expect(updated.featureUsage("seats")).toEqual({ ...stored, currentUsage: 7, updatedAt: JAN + 11 });
  });

  it("that says no period is of the period it was reported in, once the known one is over", () => {
    const updated = newestUsage(state, seats, { currentUsage: 1, updatedAt: FEB + 5 });
    expect(updated.featureUsage("seats")).toEqual({
      currentUsage: 1,
      updatedAt: FEB + 5,
      periodAnchor: JAN,
      periodStart: FEB,
      periodEnd: MAR,
    });
  });

  it("that says its period is of that one", () => {
    const updated = newestUsage(state, seats, {
      currentUsage: 1,
      updatedAt: FEB + 5,
      periodStart: FEB,
      periodEnd: MAR,
    });
    expect(updated.featureUsage("seats")).toEqual({
      currentUsage: 1,
      updatedAt: FEB + 5,
      periodAnchor: JAN,
      periodStart: FEB,
      periodEnd: MAR,
    });
  });
});

describe("an older set", () => {
  const usedAt = (updatedAt: number | undefined, currentUsage: number, setUpdatedAt: number) =>
    stateWith([metered({ usage: { currentUsage, updatedAt } })], { updatedAt: setUpdatedAt });

  it.each([
    { of: "a later timestamp", updatedAt: 41, currentUsage: 9 },
    { of: "the same timestamp, as the last writer", updatedAt: 40, currentUsage: 9 },
    { of: "an earlier timestamp", updatedAt: 39, currentUsage: 4 },
    { of: "no timestamp", updatedAt: undefined, currentUsage: 4 },
  ])("with a usage of $of", ({ updatedAt, currentUsage }) => {
    const known = newestState(usedAt(40, 4, 10), usedAt(updatedAt, 9, 9));
    expect(known.featureUsage("seats").currentUsage).toBe(currentUsage);
    expect(known.updatedAt).toBe(10);
  });
});
