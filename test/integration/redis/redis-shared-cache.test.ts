import { afterAll, beforeAll, expect, it } from "@jest/globals";
import { RedisSharedCache } from "../../../src/adapters/cache/redis/store/redis-shared-cache.js";
import { SystemClock } from "../../../src/adapters/ops/system-clock.js";
import { type RedisServer, startRedis } from "../../builders/redis-servers.js";
import { metered, stateWith } from "../../builders/states.js";
import { type RedisUnderTest, redisUnderTest } from "./redis-under-test.js";

let server: RedisServer;
let redis: RedisUnderTest;

beforeAll(async () => {
  server = await startRedis();
  redis = redisUnderTest(server);
  await redis.connected();
});
afterAll(async () => {
  redis.close();
  await server.stop();
});

const service = () => new RedisSharedCache(redis.commands, "test", new SystemClock());
const update = (customerId: string) => ({
  change: {
    type: "entitlements-updated" as const,
    subject: { customerId },
    state: stateWith([metered()], { updatedAt: 1 }),
  },
  at: 1,
  onlyIfCached: false,
});

it("each service knows of what Redis had confirmed to itself, whatever another one writes after it was lost", async () => {
  const [one, other] = [service(), service()];
  await other.write([update("before")]);
  // Redis comes back without what it confirmed to one of them, and takes from the other what is later.
  await one.write([update("lost")]);
  await server.admin.flushall();
  await other.write([update("after")]);
  expect(await one.hasOlderData()).toBe(true);
  expect(await other.hasOlderData()).toBe(false);
});
