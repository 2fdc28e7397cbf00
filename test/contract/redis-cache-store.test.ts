import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { RedisTarget } from "../../src/adapters/cache/redis-client/link/redis-target.js";
import { type RedisCluster, startCluster } from "../builders/redis-cluster.js";
import { type SentinelSet, startSentinelSet } from "../builders/redis-sentinels.js";
import { type RedisServer, startRedis } from "../builders/redis-servers.js";
import { RedisStore } from "../builders/redis-store.js";
import { eventually } from "../support/expectations.js";
import { describeCacheStore, fetched, seats } from "./cache-store.js";

let environments = 0;
const UNTIL_CONNECTED = { timeout: 20_000 };

/** A store of an environment that nobody had before. */
async function openStore(target: RedisTarget): Promise<RedisStore> {
  const redis = new RedisStore({ target, environment: `contract-${environments++}` });
  await redis.ready();
  return redis;
}

async function open(target: RedisTarget) {
  const redis = await openStore(target);
  return { store: redis.store, close: () => redis.close() };
}

describe("on one server", () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());

  describeCacheStore("RedisCacheStore", () => open({ kind: "server", host: server.host, port: server.port, db: 0 }));
});

describe("on a Cluster of three masters", () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await startCluster({ masters: 3 });
  });
  afterAll(() => cluster.stop());

  describeCacheStore("RedisCacheStore", () => open({ kind: "cluster", nodes: cluster.nodes }));
});

describe("on the master that Sentinels know", () => {
  const FAIL_OVER_AT = 10;
  let set: SentinelSet;
  let opened = 0;
  const target = (): RedisTarget => ({ kind: "sentinels", sentinels: set.addresses, name: set.name, db: 0 });
  beforeAll(async () => {
    set = await startSentinelSet({ replicas: 1 });
  });
  afterAll(() => set.stop());

  it("lives through its change of places with a replica: what is known stays known, and is written to the new one", async () => {
    const redis = await openStore(target());
    const { store } = redis;
    await store.put({ customerId: "acme" }, fetched(seats(10, 1)));
    await store.load({ customerId: "acme" });
    const received = redis.notifiedOfIncoherence();
    const master = await set.switchOver();
    await received;
    expect(store.peek("acme", undefined)).toBeUndefined();
    await redis.ready();
    await eventually(() => store.load({ customerId: "acme" }), UNTIL_CONNECTED).toMatchObject({ isVerified: true });
    await eventually(() => store.put({ customerId: "acme" }, fetched(seats(20, 1))), UNTIL_CONNECTED).toMatchObject({
      isVerified: true,
    });
    expect(await master.admin.keys(`${redis.environment}:c_acme*`)).not.toEqual([]);
    expect((await store.load({ customerId: "acme" }))?.state.feature("seats")?.usageLimit).toBe(20);
    await redis.close();
  });

  // The master dies in the middle of it, and the rest is done with another.
  describeCacheStore("RedisCacheStore", async () => {
    if (++opened === FAIL_OVER_AT) await set.failOver();
    return open(target());
  });
});
