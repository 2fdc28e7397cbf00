import { afterAll, beforeAll, describe } from "vitest";
import { RedisStore } from "../builders/redis-store.js";
import { startRedis, type RedisServer } from "../builders/redis-servers.js";
import { describeCacheStore } from "./cache-store.js";

let opened = 0;

async function open(target: ConstructorParameters<typeof RedisStore>[0]["target"]) {
  const redis = new RedisStore({ target, environment: `contract-${opened++}` });
  await redis.ready();
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
