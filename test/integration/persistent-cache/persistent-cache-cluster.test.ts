import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { Cluster } from "ioredis";
import { entitlementsUpdated, packagePublished, T0, usageUpdated } from "../../builders/change-messages.js";
import { type RedisCluster, startCluster } from "../../builders/redis-cluster.js";
import { metered } from "../../builders/states.js";
import { eventually } from "../../support/expectations.js";
import { PersistentCacheWorld, type RunningService } from "./persistent-cache-under-test.js";

const CUSTOMERS = Array.from({ length: 20 }, (_, index) => `customer-${index}`);

describe("the persistent-cache service on a Redis Cluster", () => {
  let world: PersistentCacheWorld;
  let redis: RedisCluster;
  let client: Cluster;
  let service: RunningService;

  beforeAll(async () => {
    [world, redis] = await Promise.all([PersistentCacheWorld.start(), startCluster()]);
    client = new Cluster([...redis.nodes]);
  });
  afterAll(async () => {
    client.disconnect();
    await world.stop();
    await redis.stop();
  });

  const limits = () =>
    Promise.all(
      CUSTOMERS.map(async (customerId) => {
        const state = JSON.parse((await client.get(`test:c_${customerId}`)) ?? "{}") as {
          seats?: { calculatedEntitlement: { usageLimit: number } };
        };
        return state.seats?.calculatedEntitlement.usageLimit;
      }),
    );

  it("writes, orders and sweeps over all of its masters", async () => {
    const queue = world.queue();
    const settings = {
      REDIS_CLUSTER_NODES: redis.nodes.map(({ host, port }) => `${host}:${port}`).join(","),
      CACHE_UPDATE_POLICY: "UPSERT",
      BATCH_SIZE: "10",
    };
    service = await world.service(queue, settings, { sweptPerSecond: 10_000 });
    await eventually(() => service.readiness()).toMatchObject({ status: 200 });
    await queue.send(
      ...CUSTOMERS.map((customerId) => entitlementsUpdated({ customerId, updatedAt: T0 + 1, usageLimit: 2 })),
    );
    await queue.send(
      ...CUSTOMERS.map((customerId) => entitlementsUpdated({ customerId, updatedAt: T0, usageLimit: 1 })),
    );
    await queue.send(
      ...CUSTOMERS.map((customerId) => usageUpdated({ customerId, currentUsage: 5, usageUpdatedAt: T0 + 1 })),
    );
    await queue.drained();
    expect(await limits()).toEqual(CUSTOMERS.map(() => 2));
    expect(JSON.parse((await client.get("test:c_customer-7:f_seats")) ?? "{}")).toMatchObject({ currentUsage: 5 });

    for (const customerId of CUSTOMERS)
      world.upstream.set({ customerId }, { features: [metered({ usageLimit: 3 })], updatedAt: T0 + 2 });
    await queue.send(packagePublished("ALL_CUSTOMERS"));
    await queue.drained();
    expect(await limits()).toEqual(CUSTOMERS.map(() => 3));
    expect(await service.metric("persistent_cache_memory_usage_bytes")).toBeGreaterThan(0);
  });
});
