import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import {
  customerInvalidated,
  entitlementsUpdated,
  explainedUpdate,
  inEventBridge,
  inSns,
  message,
  packagePublished,
  T0,
  usageUpdated,
} from "../../builders/change-messages.js";
import type { TestQueue } from "../../builders/queue-server.js";
import { metered } from "../../builders/states.js";
import { eventually } from "../../support/expectations.js";
import { PersistentCacheWorld } from "./persistent-cache-under-test.js";

/** Two services on one Redis, each with a policy and a queue of its own. */
describe("a message", () => {
  let world: PersistentCacheWorld;
  let upserting: TestQueue;
  let updating: TestQueue;

  beforeAll(async () => {
    world = await PersistentCacheWorld.start();
    upserting = world.queue();
    updating = world.queue();
    await world.service(upserting, { CACHE_UPDATE_POLICY: "UPSERT" });
    await world.service(updating, { BATCH_SIZE: "10" }, { sweptPerSecond: 10_000 });
  });
  afterAll(() => world.stop());
  beforeEach(() => world.redis.admin.flushall());

  /** Has these carried out, in order. */
  const tell = async (queue: TestQueue, ...bodies: readonly string[]) => {
    await queue.send(...bodies);
    await queue.drained();
  };

  /** States that are cached, of T0, with a limit of 10 and a usage of 8. */
  const cache = (...customerIds: readonly string[]) =>
    tell(upserting, ...customerIds.map((customerId) => entitlementsUpdated({ customerId })));

  describe("with the policy UPSERT", () => {
    it("of entitlements writes the state, its metadata and its usages, each with its timestamp", async () => {
      await tell(
        upserting,
        entitlementsUpdated({
          customerId: "acme",
          updatedAt: T0 + 5,
          usageUpdatedAt: T0 + 3,
          usageLimit: 7,
          currentUsage: 4,
        }),
      );
      expect(await world.limitOf("acme")).toBe(7);
      expect(await world.usageOf("acme")).toBe(4);
      expect(await world.valueAt("c_acme:metadata")).toMatchObject({ accessDeniedReason: null });
      expect(await world.timestampOf("c_acme")).toBe(String(T0 + 5));
      expect(await world.timestampOf("c_acme:metadata")).toBe(String(T0 + 5));
      expect(await world.timestampOf("c_acme:f_seats")).toBe(String(T0 + 3));
    });

    it("of a resource's entitlements writes to the resource's keys", async () => {
      await tell(upserting, entitlementsUpdated({ customerId: "acme", resourceId: "site" }));
      expect(await world.timestampOf("c_acme:r_site")).toBe(String(T0));
      expect(await world.timestampOf("c_acme")).toBeNull();
    });

    it("of entitlements without timestamps is ordered by when it was reported", async () => {
      const timestamp = new Date(T0 + 9).toISOString();
      await tell(
        upserting,
        entitlementsUpdated({ customerId: "acme", updatedAt: null, usageUpdatedAt: null, timestamp }),
      );
      expect(await world.timestampOf("c_acme")).toBe(String(T0 + 9));
      expect(await world.timestampOf("c_acme:f_seats")).toBe(String(T0 + 9));
    });

    it("of usage writes the usage, whether or not there is a state", async () => {
      await tell(
        upserting,
        usageUpdated({ customerId: "acme", currentUsage: 5, usageUpdatedAt: T0 }),
        usageUpdated({
          customerId: "acme",
          featureId: "tokens",
          type: "CREDIT",
          currentUsage: 6,
          usageUpdatedAt: null,
          timestamp: T0 + 1,
        }),
      );
      expect(await world.valueAt("c_acme:f_seats")).toMatchObject({ currentUsage: 5 });
      expect(await world.valueAt("c_acme:credit_tokens")).toMatchObject({ currentUsage: 6 });
      expect(await world.timestampOf("c_acme:credit_tokens")).toBe(String(T0 + 1));
    });

    it("of an invalidated customer has its state fetched, also where none is cached", async () => {
      world.upstream.set({ customerId: "fetched" }, { features: [metered({ usageLimit: 33 })], updatedAt: T0 });
      await tell(upserting, customerInvalidated("fetched"));
      expect(await world.limitOf("fetched")).toBe(33);
    });
  });

  describe("with the policy UPDATE_IF_EXISTS", () => {
    it("of entitlements is written where a state is cached, and nowhere else", async () => {
      await cache("known");
      await tell(
        updating,
        entitlementsUpdated({ customerId: "known", updatedAt: T0 + 1, usageLimit: 77 }),
        entitlementsUpdated({ customerId: "unknown" }),
      );
      expect(await world.limitOf("known")).toBe(77);
      expect(await world.timestampOf("c_unknown")).toBeNull();
    });

    it("of usage is written where a state is cached, and nowhere else", async () => {
      await cache("known");
      await tell(
        updating,
        ...["known", "unknown"].map((customerId) =>
          usageUpdated({ customerId, currentUsage: 9, usageUpdatedAt: T0 + 1 }),
        ),
      );
      expect(await world.usageOf("known")).toBe(9);
      expect(await world.usageOf("unknown")).toBeUndefined();
    });

    it("of an invalidated customer asks upstream only for a state that is cached", async () => {
      await cache("known");
      world.upstream.set({ customerId: "known" }, { features: [metered({ usageLimit: 44 })], updatedAt: T0 + 1 });
      const fetchesBefore = world.edge.stats.edge.requests;
      await tell(updating, customerInvalidated("known"), customerInvalidated("unknown"));
      expect(await world.limitOf("known")).toBe(44);
      expect(await world.timestampOf("c_unknown")).toBeNull();
      expect(world.edge.stats.edge.requests - fetchesBefore).toBe(1);
    });
  });

  describe("of an empty set has upstream say what is true now, since a late copy would empty a newer state:", () => {
    it.each([
      ["one that is explained", "CustomerIsArchived" as const],
      ["one that is not", null],
    ])("%s", async (_, reason) => {
      await cache("known");
      world.upstream.set({ customerId: "known" }, { features: [metered({ usageLimit: 55 })], updatedAt: T0 + 1 });
      await tell(updating, explainedUpdate("known", reason));
      expect(await world.limitOf("known")).toBe(55);
    });

    it("one that is true", async () => {
      await cache("leaver");
      world.upstream.set({ customerId: "leaver" }, { accessDeniedReason: "CustomerIsArchived" });
      await tell(updating, explainedUpdate("leaver", "CustomerIsArchived"));
      expect(await world.valueAt("c_leaver")).toEqual({});
      expect(await world.valueAt("c_leaver:metadata")).toMatchObject({ accessDeniedReason: "CustomerIsArchived" });
    });
  });

  describe("of an invalidated customer, while Edge is behind,", () => {
    const invalidatedAt = (customerId: string, timestamp: number) =>
      message("customer.invalidated", { customerId, resourceId: null }, { timestamp });
    const recheckAtOf = async (customerId: string) =>
      ((await world.valueAt(`c_${customerId}`)) as { seats: { sidecar: { recheckAt?: number } } }).seats.sidecar
        .recheckAt;

    it("has Edge asked again until it shows the change, and what it said is believed for a while until then", async () => {
      const lagging = world.queue();
      await world.service(
        lagging,
        {},
        { confirmAfterMs: Array.from({ length: 5_000 }, (_, index) => 20 * (index + 1)) },
      );
      await cache("early");
      world.upstream.set({ customerId: "early" }, { features: [metered({ usageLimit: 10 })], updatedAt: T0 });
      await tell(lagging, invalidatedAt("early", T0 + 5));
      expect([await world.limitOf("early"), await recheckAtOf("early")]).toEqual([10, expect.any(Number)]);
      world.upstream.set({ customerId: "early" }, { features: [metered({ usageLimit: 44 })], updatedAt: T0 + 5 });
      await eventually(() => world.limitOf("early")).toBe(44);
      expect(await recheckAtOf("early")).toBeUndefined();
    });

    it("keeps a state that is later than the message where Edge does not know the customer", async () => {
      await tell(upserting, entitlementsUpdated({ customerId: "newcomer", updatedAt: T0 + 10 }));
      await tell(updating, invalidatedAt("newcomer", T0 + 5));
      expect(await world.limitOf("newcomer")).toBe(10);
      await tell(updating, invalidatedAt("newcomer", T0 + 10));
      expect(await world.valueAt("c_newcomer")).toEqual({});
    });
  });

  describe("of a package published", () => {
    it("to all customers has every state refetched, of customers and of resources, whatever their ids", async () => {
      const customers = Array.from({ length: 30 }, (_, index) => `customer-${index}`);
      const resource = { customerId: "customer-0", resourceId: "site:f_1" };
      await cache(...customers, "c:r_:f_:metadat");
      await tell(upserting, entitlementsUpdated(resource));
      for (const customerId of [...customers, "c:r_:f_:metadat"])
        world.upstream.set({ customerId }, { features: [metered({ usageLimit: 66 })], updatedAt: T0 + 1 });
      world.upstream.set(resource, { features: [metered({ usageLimit: 67 })], updatedAt: T0 + 1 });
      await tell(updating, packagePublished("ALL_CUSTOMERS"));
      expect(await Promise.all(customers.map((customerId) => world.limitOf(customerId)))).toEqual(
        customers.map(() => 66),
      );
      expect(await world.limitOf("c:r_:f_:metadat")).toBe(66);
      expect(await world.limitOf("customer-0:r_site:f_1")).toBe(67);
      expect(await world.valueAt("c_customer-0:f_seats")).toMatchObject({ currentUsage: 8 });
    });

    it("to all customers goes on while other messages are carried out, and is taken off last", async () => {
      await cache("slow", "quick");
      const release = world.edge.faults.inject({ target: "edge", kind: "hold" });
      const fetchesBefore = world.edge.stats.edge.requests;
      await updating.send(packagePublished("ALL_CUSTOMERS"));
      await eventually(() => world.edge.stats.edge.requests).toBe(fetchesBefore + 2);
      await updating.send(entitlementsUpdated({ customerId: "quick", updatedAt: T0 + 1, usageLimit: 12 }));
      await eventually(() => world.limitOf("quick")).toBe(12);
      await eventually(() => updating.length).toBe(1);
      release();
      await updating.drained();
    });

    it("to new customers changes nothing", async () => {
      await cache("known");
      const before = await world.everything();
      await tell(updating, packagePublished("NEW_CUSTOMERS"));
      expect(await world.everything()).toEqual(before);
    });
  });

  describe("wrapped", () => {
    it.each([
      ["by SNS", inSns],
      ["by EventBridge", inEventBridge],
      ["by both", (body: string) => inSns(inEventBridge(body))],
    ])("%s is unwrapped", async (_, wrap) => {
      await tell(upserting, wrap(entitlementsUpdated({ customerId: "acme", usageLimit: 21 })));
      expect(await world.limitOf("acme")).toBe(21);
    });
  });

  it("that comes twice, or late, changes nothing that is newer", async () => {
    const newer = entitlementsUpdated({
      customerId: "acme",
      updatedAt: T0 + 2,
      usageLimit: 2,
      usageUpdatedAt: T0 + 2,
      currentUsage: 2,
    });
    await tell(upserting, newer);
    const before = await world.everything();
    await tell(
      upserting,
      entitlementsUpdated({
        customerId: "acme",
        updatedAt: T0 + 1,
        usageLimit: 1,
        usageUpdatedAt: T0 + 1,
        currentUsage: 1,
      }),
      newer,
    );
    await tell(upserting, usageUpdated({ customerId: "acme", currentUsage: 1, usageUpdatedAt: T0 + 1 }));
    expect(await world.everything()).toEqual(before);
  });

  it("of one customer among many keeps its place, where timestamps do not tell", async () => {
    await tell(
      upserting,
      ...Array.from({ length: 60 }, (_, index) =>
        entitlementsUpdated({ customerId: `customer-${index % 3}`, usageLimit: index }),
      ),
    );
    expect(await Promise.all([0, 1, 2].map((customer) => world.limitOf(`customer-${customer}`)))).toEqual([57, 58, 59]);
  });
});
