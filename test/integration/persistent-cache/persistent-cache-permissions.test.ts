import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { customerInvalidated, entitlementsUpdated, packagePublished, T0 } from "../../builders/change-messages.js";
import { metered } from "../../builders/states.js";
import { eventually } from "../../support/expectations.js";
import { PersistentCacheWorld } from "./persistent-cache-under-test.js";

/** Far more than are tried, and far fewer than come of trying again at once. */
const FEW = 60;
/** Held for a short time, so that the queue has it again within the test. */
const TUNING = { holdMs: 500, firstDelayMs: 50, maxAttempts: 3 };

let world: PersistentCacheWorld;

beforeAll(async () => {
  world = await PersistentCacheWorld.start();
});
afterEach(() => world.redis.admin.flushall());
afterAll(() => world.stop());

async function refusedCalls(): Promise<number> {
  const text = await world.redis.admin.info("commandstats");
  return [...text.matchAll(/rejected_calls=(\d+)/g)].reduce((sum, [, calls]) => sum + Number(calls), 0);
}

describe("a message that Redis fails for while it takes writes", () => {
  it.each([
    { lacks: "DEL", rules: ["-del", "-unlink"], message: customerInvalidated("unknown") },
    { lacks: "SCAN", rules: ["-scan"], message: packagePublished("ALL_CUSTOMERS") },
    { lacks: "GET", rules: ["-get", "-mget"], message: customerInvalidated("known") },
  ])(
    "for want of $lacks is tried a few times, told, and ends in the dead-letter queue",
    async (each) => {
      const { rules, message } = each;
      await world.redis.admin.acl("SETUSER", "consumer", "reset", "on", ">secret", "~*", "&*", "+@all", ...rules);
      await world.redis.admin.config("RESETSTAT");
      const queue = world.queue({ visibilitySeconds: 1, maxReceives: 2 });
      const service = await world.service(
        queue,
        {
          REDIS_USERNAME: "consumer",
          REDIS_PASSWORD: "secret",
          // Nobody is there: whoever is asked for is refused.
          EDGE_API_URL: `${world.edge.url}/nowhere`,
        },
        TUNING,
      );
      await world.redis.admin.set("test:c_unknown#timestamp", "1");
      await queue.send(message);
      await eventually(() => queue.dead, { timeout: 20_000 }).toEqual([message]);
      expect(await refusedCalls()).toBeLessThan(FEW);
      expect(service.logger.lines.filter(({ level }) => level === "warn")).not.toEqual([]);
      expect(await service.readiness()).toMatchObject({ status: 200 });
      await service.stop();
    },
    40_000,
  );

  it("for what lies at one customer's key holds up no publication to the others", async () => {
    const queue = world.queue({ maxReceives: 10 });
    const service = await world.service(queue, { CACHE_UPDATE_POLICY: "UPSERT" }, TUNING);
    await queue.send(entitlementsUpdated({ customerId: "fine", updatedAt: T0, usageLimit: 1 }));
    await queue.drained();
    await world.redis.admin.set("test:c_spoilt", "{}");
    await world.redis.admin.lpush("test:c_spoilt#timestamp", "a list");
    await world.redis.admin.lpush("test:c_other:r_spoilt", "a list");
    world.upstream.set({ customerId: "fine" }, { features: [metered({ usageLimit: 9 })], updatedAt: T0 + 1 });
    await queue.send(packagePublished("ALL_CUSTOMERS"));
    await queue.drained();
    expect(await world.limitOf("fine")).toBe(9);
    await service.stop();
  }, 40_000);
});

it("a state that has to be removed waits where Redis takes no writes, and readiness says so", async () => {
  const queue = world.queue();
  const service = await world.service(queue, { EDGE_API_URL: `${world.edge.url}/nowhere` }, { firstDelayMs: 50 });
  await eventually(() => service.readiness()).toMatchObject({ status: 200 });
  await world.redis.admin.mset("test:c_gone", "{}", "test:c_gone#timestamp", "1");
  await world.redis.admin.config("SET", "min-replicas-to-write", "1");
  await queue.send(customerInvalidated("gone"));
  await eventually(() => service.readiness(), { timeout: 10_000 }).toMatchObject({ status: 503 });
  expect(service.logger.count("consumption paused")).toBe(1);
  expect(queue.inHand).toBe(1);
  await world.redis.admin.config("SET", "min-replicas-to-write", "0");
  await queue.drained();
  expect(await world.redis.admin.exists("test:c_gone")).toBe(0);
  await service.stop();
}, 40_000);
