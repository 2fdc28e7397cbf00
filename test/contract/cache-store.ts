import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { buildCustomerState, type CustomerStateInput } from "../../src/domain/build-customer-state.js";
import type { CustomerState } from "../../src/domain/customer-state.js";
import { becomes, type Condition, CONDITIONS, type FreshnessEvent } from "../../src/domain/freshness/freshness.js";
import type { CacheStore, FetchedState } from "../../src/ports/cache-store.js";

export interface OpenedStore {
  readonly store: CacheStore;
  close(): Promise<void>;
}

const NOW = Date.UTC(2026, 2, 10);
const ACME = { customerId: "acme" };
const ACME_SITE = { customerId: "acme", resourceId: "site-1" };

export function seats(limit: number, used: number, updatedAt = NOW, usageUpdatedAt = updatedAt): CustomerState {
  return buildCustomerState(seatsInput(limit, used, updatedAt, usageUpdatedAt));
}

function seatsInput(limit: number, used: number, updatedAt: number, usageUpdatedAt: number): CustomerStateInput {
  return {
    updatedAt,
    features: [
      {
        feature: { id: "seats", featureType: "NUMBER", meterType: "Fluctuating" },
        usageLimit: limit,
        usage: { currentUsage: used, updatedAt: usageUpdatedAt },
      },
    ],
  };
}

export function fetched(state: CustomerState, isVerified = true): FetchedState {
  return { state, verifiedAt: NOW, recheckAt: Infinity, isVerified };
}

/** The same, asked for just now, and so after whatever happened in the test. */
function fetchedSince(state: CustomerState): FetchedState {
  return { ...fetched(state), verifiedAt: Date.now() };
}

const usageOf = (id: string) => ({
  type: "usage-updated" as const,
  subject: ACME,
  entitlement: { type: "feature" as const, id },
  usage: { currentUsage: 3, updatedAt: NOW + 1 },
});
const update = (state: CustomerState) => ({ type: "entitlements-updated" as const, subject: ACME, state });

/** How a subject comes into each condition. */
const INTO: Readonly<Record<Condition, (store: CacheStore) => Promise<unknown>>> = {
  fresh: (store) => store.put(ACME, fetched(seats(10, 0))),
  async stale(store) {
    await store.put(ACME, fetched(seats(10, 0)));
    await store.apply({ type: "subject-invalidated", subject: ACME }, NOW);
  },
  unknown: () => Promise.resolve(),
};

/** All that a store is asked to do, as an event of the model; a snapshot is restored into memory alone. */
const CALLS: readonly (readonly [
  string,
  Exclude<FreshnessEvent, "restored">,
  (store: CacheStore) => Promise<unknown>,
])[] = [
  ["a fetch", "fetched", (store) => store.put(ACME, fetchedSince(seats(11, 0)))],
  ["a fetch that was superseded", "fetch-superseded", (store) => store.put(ACME, fetched(seats(11, 0), false))],
  ["an update", "reported", (store) => store.apply(update(seats(11, 0, NOW + 1)), Date.now())],
  [
    "an update that is empty for a reason",
    "reported",
    (store) => store.apply(update(buildCustomerState({ accessDeniedReason: "CustomerIsArchived" })), Date.now()),
  ],
  ["a usage", "refined", (store) => store.apply(usageOf("seats"), Date.now())],
  ["a usage of something else", "unaffected", (store) => store.apply(usageOf("other"), Date.now())],
  [
    "a change that says no more",
    "may-have-changed",
    (store) => store.apply({ type: "subject-invalidated", subject: ACME }, Date.now()),
  ],
  ["a gap in the changes", "may-have-changed", (store) => store.markAllUnverified()],
  [
    "an update that is empty without a reason",
    "removed",
    (store) => store.apply(update(buildCustomerState({})), Date.now()),
  ],
  ["being forgotten", "removed", (store) => store.forget(ACME)],
];

async function conditionOf(store: CacheStore): Promise<Condition> {
  if (store.peek("acme", undefined) !== undefined) return "fresh";
  return (await store.load(ACME)) === undefined ? "unknown" : "stale";
}

/** What every CacheStore must do, whatever it keeps states in. */
export function describeCacheStore(name: string, open: () => Promise<OpenedStore>): void {
  describe(`${name} as a CacheStore`, () => {
    let opened: OpenedStore;
    let store: CacheStore;
    const limitOf = async (subject = ACME) => (await store.load(subject))?.state.feature("seats")?.usageLimit;
    const usedOf = async (subject = ACME) => (await store.load(subject))?.state.featureUsage("seats").currentUsage;

    beforeEach(async () => {
      opened = await open();
      store = opened.store;
    });
    afterEach(() => opened.close());

    it.each(
      CONDITIONS.flatMap((before) =>
        CALLS.map(([title, event, call]) => ({ title, before, after: becomes(before, event), call })),
      ),
    )("makes $before $after by $title", async ({ before, after, call }) => {
      await INTO[before](store);
      expect(await conditionOf(store)).toBe(before);
      await call(store);
      expect(await conditionOf(store)).toBe(after);
    });

    it("knows nothing of a subject that was never put", async () => {
      expect(store.peek("acme", undefined)).toBeUndefined();
      expect(await store.load(ACME)).toBeUndefined();
    });

    it("answers at once from what was put", async () => {
      await store.put(ACME, fetched(seats(10, 8)));
      const held = store.peek("acme", undefined);
      expect(held?.state.feature("seats")?.usageLimit).toBe(10);
      expect(held?.state.featureUsage("seats").currentUsage).toBe(8);
      expect(held?.verifiedAt).toBe(NOW);
    });

    it("keeps why an empty state is empty", async () => {
      await store.put(ACME, {
        ...fetched(buildCustomerState({ accessDeniedReason: "CustomerNotFound" })),
        recheckAt: NOW + 1000,
      });
      expect(store.peek("acme", undefined)?.state.accessDeniedReason).toBe("CustomerNotFound");
      expect(store.peek("acme", undefined)?.recheckAt).toBe(NOW + 1000);
    });

    it.each([
      ["a customer and its resource", { customerId: "a" }, { customerId: "a", resourceId: "a" }],
      ["ids that look alike when joined", { customerId: "a:r_b" }, { customerId: "a", resourceId: "b" }],
      ["names of object members", { customerId: "__proto__" }, { customerId: "constructor" }],
      ["ids with white space and other scripts", { customerId: " a" }, { customerId: "ä 猫 \n" }],
      ["an empty resource id and none", { customerId: "a", resourceId: "" }, { customerId: "a" }],
    ])("keeps apart %s", async (_, one, other) => {
      await store.put(one, fetched(seats(1, 0)));
      await store.put(other, fetched(seats(2, 0)));
      expect(await limitOf(one)).toBe(1);
      expect(await limitOf(other)).toBe(2);
    });

    describe("newest wins", () => {
      it("drops a set that is older than the stored one, and tells what is known", async () => {
        await store.put(ACME, fetched(seats(20, 0, NOW + 1)));
        const known = await store.put(ACME, fetched(seats(10, 0, NOW)));
        expect(known.state.feature("seats")?.usageLimit).toBe(20);
        expect(await limitOf()).toBe(20);
      });

      it("lets the last of two writes of one point in time win", async () => {
        await store.put(ACME, fetched(seats(20, 0)));
        await store.put(ACME, fetched(seats(10, 0)));
        expect(await limitOf()).toBe(10);
      });

      it("orders a set and its usage apart from each other", async () => {
        await store.put(ACME, fetched(seats(10, 5, NOW, NOW + 10)));
        await store.put(ACME, fetched(seats(20, 3, NOW + 1, NOW + 1)));
        expect([await limitOf(), await usedOf()]).toEqual([20, 5]);
      });

      it("always writes an empty set", async () => {
        await store.put(ACME, fetched(seats(10, 0)));
        await store.put(ACME, fetched(buildCustomerState({ accessDeniedReason: "CustomerIsArchived" })));
        expect((await store.load(ACME))?.state.accessDeniedReason).toBe("CustomerIsArchived");
      });

      it("does not let a fetch that a change superseded replace that change", async () => {
        await store.put(ACME, fetched(seats(10, 0)));
        await store.apply({ type: "entitlements-updated", subject: ACME, state: seats(30, 0, NOW + 5) }, NOW);
        await store.put(ACME, fetched(buildCustomerState({ accessDeniedReason: "CustomerNotFound" }), false));
        await store.put(ACME, fetched(seats(20, 0, NOW + 4), false));
        expect(await limitOf()).toBe(30);
        expect(store.peek("acme", undefined)?.state.feature("seats")?.usageLimit).toBe(30);
      });

      it("keeps a superseded fetch of an unknown subject, unverified", async () => {
        const known = await store.put(ACME, fetched(seats(10, 0), false));
        expect(known.isVerified).toBe(false);
        expect(store.peek("acme", undefined)).toBeUndefined();
        expect(await limitOf()).toBe(10);
      });
    });

    describe("changes", () => {
      it("replaces the state of the subject that an update names", async () => {
        await store.put(ACME, fetched(seats(10, 0)));
        await store.apply({ type: "entitlements-updated", subject: ACME, state: seats(30, 0, NOW + 1) }, NOW + 1);
        expect(store.peek("acme", undefined)?.state.feature("seats")?.usageLimit).toBe(30);
        expect(store.peek("acme", undefined)?.verifiedAt).toBe(NOW + 1);
      });

      it("forgets a subject whose update is empty and says no reason", async () => {
        await store.put(ACME, fetched(seats(10, 0)));
        await store.apply({ type: "entitlements-updated", subject: ACME, state: buildCustomerState({}) }, NOW);
        expect(await store.load(ACME)).toBeUndefined();
      });

      it("updates usage, and drops older usage", async () => {
        await store.put(ACME, fetched(seats(10, 1)));
        const entitlement = { type: "feature", id: "seats" } as const;
        await store.apply(
          { type: "usage-updated", subject: ACME, entitlement, usage: { currentUsage: 7, updatedAt: NOW + 2 } },
          NOW,
        );
        await store.apply(
          { type: "usage-updated", subject: ACME, entitlement, usage: { currentUsage: 5, updatedAt: NOW + 1 } },
          NOW,
        );
        expect(store.peek("acme", undefined)?.state.featureUsage("seats").currentUsage).toBe(7);
      });

      it("drops usage of a subject or a feature that is not held", async () => {
        const usage = { currentUsage: 7, updatedAt: NOW };
        await store.apply(
          { type: "usage-updated", subject: ACME, entitlement: { type: "feature", id: "seats" }, usage },
          NOW,
        );
        expect(await store.load(ACME)).toBeUndefined();
        await store.put(ACME, fetched(seats(10, 1)));
        await store.apply(
          { type: "usage-updated", subject: ACME, entitlement: { type: "feature", id: "other" }, usage },
          NOW,
        );
        expect((await store.load(ACME))?.state.feature("other")).toBeUndefined();
        expect(await usedOf()).toBe(1);
      });

      it("marks stale the resources of a customer whose own entitlements change", async () => {
        await store.put(ACME, fetched(seats(10, 0)));
        await store.put(ACME_SITE, fetched(seats(5, 0)));
        await store.apply({ type: "entitlements-updated", subject: ACME, state: seats(30, 0, NOW + 1) }, NOW);
        expect(store.peek("acme", "site-1")).toBeUndefined();
        expect(await store.load(ACME_SITE)).toMatchObject({ isVerified: false });
        await store.put(ACME_SITE, fetched(seats(6, 0)));
        expect(store.peek("acme", "site-1")?.state.feature("seats")?.usageLimit).toBe(6);
      });

      it("does not mark stale them when only usage changes", async () => {
        await store.put(ACME, fetched(seats(10, 0)));
        await store.put(ACME_SITE, fetched(seats(5, 0)));
        const usage = { currentUsage: 1, updatedAt: NOW + 1 };
        await store.apply(
          { type: "usage-updated", subject: ACME, entitlement: { type: "feature", id: "seats" }, usage },
          NOW,
        );
        expect(await store.load(ACME_SITE)).toMatchObject({ isVerified: true });
        expect(store.peek("acme", "site-1")?.state.feature("seats")?.usageLimit).toBe(5);
      });
    });

    it("keeps an invalidated subject, unverified", async () => {
      await store.put(ACME, fetched(seats(10, 0)));
      await store.apply({ type: "subject-invalidated", subject: ACME }, NOW);
      expect(store.peek("acme", undefined)).toBeUndefined();
      expect(await store.load(ACME)).toMatchObject({ isVerified: false });
    });

    it("vouches for nothing after a gap, until a state is put or changed again", async () => {
      await store.put(ACME, fetched(seats(10, 0)));
      await store.put(ACME_SITE, fetched(seats(5, 0)));
      await store.markAllUnverified();
      expect(store.peek("acme", undefined)).toBeUndefined();
      expect(await store.load(ACME)).toMatchObject({ isVerified: false });
      await store.put(ACME, fetchedSince(seats(10, 0)));
      expect(store.peek("acme", undefined)).toBeDefined();
      expect(store.peek("acme", "site-1")).toBeUndefined();
    });

    it("does not take changes of usage for proof of all the rest", async () => {
      await store.put(ACME, fetched(seats(10, 0)));
      await store.markAllUnverified();
      const usage = { currentUsage: 3, updatedAt: NOW + 1 };
      await store.apply(
        { type: "usage-updated", subject: ACME, entitlement: { type: "feature", id: "seats" }, usage },
        NOW,
      );
      expect(store.peek("acme", undefined)).toBeUndefined();
      expect(await usedOf()).toBe(3);
    });

    it("does not take an older set with a newer usage for proof of the set that it holds", async () => {
      await store.put(ACME, fetched(seats(20, 0, NOW + 1)));
      await store.markAllUnverified();
      await store.apply({ type: "entitlements-updated", subject: ACME, state: seats(10, 4, NOW, NOW + 2) }, NOW + 3);
      expect(store.peek("acme", undefined)).toBeUndefined();
      expect(await store.load(ACME)).toMatchObject({ isVerified: false, verifiedAt: NOW });
      expect([await limitOf(), await usedOf()]).toEqual([20, 4]);
    });

    it("forgets what it is told to, and nothing else", async () => {
      await store.put(ACME, fetched(seats(10, 0)));
      await store.put(ACME_SITE, fetched(seats(5, 0)));
      await store.forget(ACME);
      expect(await store.load(ACME)).toBeUndefined();
      expect(await limitOf(ACME_SITE)).toBe(5);
    });

    it("names what was asked for last, not what was stored last", async () => {
      for (let i = 0; i < 200; i++) await store.put({ customerId: `c${i}` }, fetched(seats(1, 0)));
      for (const customerId of ["c7", "c100"]) store.peek(customerId, undefined);
      expect([...store.recentlyUsed(32)].map(({ customerId }) => customerId)).toEqual(
        expect.arrayContaining(["c7", "c100"]),
      );
    });

    it("names what was used recently, up to a limit", async () => {
      for (let i = 0; i < 40; i++) await store.put({ customerId: `c${i}` }, fetched(seats(1, 0)));
      const all = [...store.recentlyUsed(100)].map(({ customerId }) => customerId).sort();
      expect(all).toEqual(Array.from({ length: 40 }, (_, i) => `c${i}`).sort());
      expect([...store.recentlyUsed(10)].length).toBeLessThanOrEqual(10);
    });
  });
}
