import { setTimeout as elapse } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { customerInvalidated, entitlementsUpdated, packagePublished, T0 } from "../../builders/change-messages.js";
import { metered } from "../../builders/states.js";
import { eventually } from "../../support/expectations.js";
import { PersistentCacheWorld } from "./persistent-cache-under-test.js";

/** Longer ones are a matter of patience alone. */
const OUTAGE_MS = Number(process.env["PERSISTENT_CACHE_OUTAGE_MS"] ?? 1_500);
const CUSTOMERS = 200;
/** Long enough for a busy machine to extend it in time: at 1 s an extension that comes late is a message received twice. */
const VISIBILITY_SECONDS = 4;
const CONNECTED = { status: 200, body: { status: "UP", consumers: 10, redis: "CONNECTED" } };
const DISCONNECTED = { status: 503, body: { status: "DOWN", consumers: 0, redis: "DISCONNECTED" } };

describe("the persistent-cache service", () => {
  let world: PersistentCacheWorld;

  beforeAll(async () => {
    world = await PersistentCacheWorld.start();
  });
  afterAll(() => world.stop());

  it(
    "loses nothing while Redis is down under load, takes nothing off the queue early, and tells that it is not ready",
    async () => {
      // An outage of Redis takes no receipt: one that did would bury what was in hand.
      const queue = world.queue({ maxReceives: 1 });
      const service = await world.service(queue, { CACHE_UPDATE_POLICY: "UPSERT", BATCH_SIZE: "10" });
      await eventually(() => service.readiness()).toEqual(CONNECTED);
      let sent = 0;
      const send = async (count: number) => {
        await queue.send(
          ...Array.from({ length: count }, () => sent++).map((index) =>
            entitlementsUpdated({
              customerId: `customer-${index % CUSTOMERS}`,
              updatedAt: T0 + index,
              usageLimit: index,
            }),
          ),
        );
      };
      await send(CUSTOMERS);
      await eventually(() => world.limitOf("customer-0")).toBe(0);

      await world.redis.kill();
      await eventually(() => service.readiness()).toEqual(DISCONNECTED);
      const processedBefore = (await service.metric("persistent_cache_messages_processed_total")) ?? NaN;
      const until = performance.now() + OUTAGE_MS;
      while (performance.now() < until) {
        await send(10);
        await elapse(5);
      }
      expect(await service.metric("persistent_cache_messages_processed_total")).toBe(processedBefore);
      expect(queue.length).toBe(sent - processedBefore);

      await world.redis.restartEmpty();
      await queue.drained();
      await eventually(() => service.readiness()).toEqual(CONNECTED);
      expect(queue.dead).toEqual([]);
      expect(await service.metric("persistent_cache_messages_processed_total")).toBe(sent);
      const lastOf = (customer: number) => customer + CUSTOMERS * Math.floor((sent - 1 - customer) / CUSTOMERS);
      for (let customer = 0; customer < CUSTOMERS; customer++) {
        // Redis came back empty: of what was reported before, only what was reported again is there.
        if (lastOf(customer) >= processedBefore)
          expect(await world.limitOf(`customer-${customer}`)).toBe(lastOf(customer));
      }
      expect(service.logger.count("consumption paused")).toBe(1);
      await service.stop();
    },
    OUTAGE_MS + 60_000,
  );

  it("has every state refetched where Redis comes back with older data than it had confirmed, and only then", async () => {
    const queue = world.queue();
    const service = await world.service(queue, { CACHE_UPDATE_POLICY: "UPSERT" });
    const isTold = () => service.logger.count("older data than it had confirmed");
    const update = async (usageLimit: number) => {
      await queue.send(entitlementsUpdated({ customerId: "rolled-back", updatedAt: T0 + usageLimit, usageLimit }));
      await queue.drained();
      world.upstream.set(
        { customerId: "rolled-back" },
        { features: [metered({ usageLimit })], updatedAt: T0 + usageLimit },
      );
    };
    await update(1);
    await world.redis.admin.save();
    await world.redis.restartWithData();
    await eventually(() => service.readiness()).toEqual(CONNECTED);
    expect(await world.limitOf("rolled-back")).toBe(1);
    expect(isTold()).toBe(0);
    // Acknowledged, and lost by a restart from the copy before.
    await update(2);
    expect(await world.limitOf("rolled-back")).toBe(2);
    await world.redis.restartWithData();
    await eventually(() => world.limitOf("rolled-back"), { timeout: 10_000 }).toBe(2);
    expect(isTold()).toBe(1);
    await service.stop();
  });

  it("keeps messages while Redis takes no writes, though it is connected", async () => {
    const queue = world.queue();
    const service = await world.service(queue, { CACHE_UPDATE_POLICY: "UPSERT" });
    await eventually(() => service.readiness()).toEqual(CONNECTED);
    await world.redis.admin.config("SET", "min-replicas-to-write", "1");
    await queue.send(entitlementsUpdated({ customerId: "kept", usageLimit: 3 }));
    await eventually(() => service.readiness()).toEqual({
      status: 503,
      body: { status: "DOWN", consumers: 0, redis: "CONNECTED" },
    });
    expect(queue.length).toBe(1);
    await world.redis.admin.config("SET", "min-replicas-to-write", "0");
    await queue.drained();
    expect(await world.limitOf("kept")).toBe(3);
    expect(await service.metric("persistent_cache_write_errors_total")).toBeGreaterThan(0);
    await service.stop();
  });

  it("keeps what waits for upstream for as long as upstream is away, and carries out the rest meanwhile", async () => {
    const queue = world.queue({ visibilitySeconds: VISIBILITY_SECONDS, maxReceives: 1 });
    const service = await world.service(queue, { CACHE_UPDATE_POLICY: "UPSERT" });
    world.upstream.set({ customerId: "waiting" }, { features: [metered({ usageLimit: 9 })], updatedAt: T0 });
    // The package concerns whom Redis knows by the time that they are looked for.
    await queue.send(entitlementsUpdated({ customerId: "not-waiting", updatedAt: T0 - 1, usageLimit: 7 }));
    await queue.drained();
    await world.edge.faults.goDown();
    await queue.send(
      customerInvalidated("waiting"),
      packagePublished("ALL_CUSTOMERS"),
      entitlementsUpdated({ customerId: "not-waiting", usageLimit: 8 }),
    );
    await eventually(() => world.limitOf("not-waiting")).toBe(8);
    // Beyond the time for which the queue keeps a message from others by itself: to receive it again would bury it.
    const keptUntil = queue.keptUntil;
    await eventually(() => queue.keptUntil, { timeout: 20_000 }).toBeGreaterThan(
      keptUntil + VISIBILITY_SECONDS * 1_000,
    );
    expect(queue.dead).toEqual([]);
    expect(queue.inHand).toBe(2);
    for (const customerId of ["not-waiting", "kept"])
      world.upstream.set({ customerId }, { features: [metered({ usageLimit: 9 })], updatedAt: T0 + 1 });
    await world.edge.faults.comeBack();
    await queue.drained();
    expect(
      await Promise.all(["waiting", "not-waiting", "kept"].map((customerId) => world.limitOf(customerId))),
    ).toEqual([9, 9, 9]);
    await service.stop();
  });

  it("waits for a queue that is not there, and is not ready until it is", async () => {
    const queue = world.queue();
    const missing = `${queue.url}-missing`;
    const service = await world.service(queue, { QUEUE_URL: missing });
    await service.logger.until("no messages can be received from the queue");
    expect(await service.readiness()).toMatchObject({ status: 503, body: { status: "DOWN", consumers: 0 } });
    world.queues.createAt(missing);
    await eventually(() => service.readiness()).toEqual(CONNECTED);
    await service.stop();
    expect(await service.readiness().catch(() => "gone")).toBe("gone");
  });
});
