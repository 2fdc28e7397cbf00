import { afterEach, beforeEach, expect, it } from "@jest/globals";
import { type RedisServer, startRedis } from "../builders/redis-servers.js";
import { environmentOf, RedisWorld, type SidecarOnRedis } from "./redis-under-fault.js";

const CUSTOMERS = 30;
const CALLERS = 4;

let world: RedisWorld;
let server: RedisServer;

beforeEach(async () => {
  world = await RedisWorld.open();
  server = await startRedis();
});

afterEach(async () => {
  await world.stop();
  await server.stop();
});

it("three sidecars are restarted one by one, upstream gone and callers busy: every check is answered from Redis", async () => {
  const start = () => world.sidecar({ ...environmentOf(server), SHUTDOWN_LINGER_MS: "200" });
  const fleet: SidecarOnRedis[] = await Promise.all([start(), start(), start()]);
  const customers = Array.from({ length: CUSTOMERS }, () => world.coldCustomer());
  await fleet[0]!.connectedTimes(1);
  for (const { customerId } of customers) await fleet[0]!.seats(customerId);
  await world.emulator.faults.goDown();

  let isOver = false;
  const sources = new Map<string | null, number>();
  const wrong: unknown[] = [];
  const callers = Array.from({ length: CALLERS }, async (_, caller) => {
    for (let check = caller; !isOver; check++) {
      const { customerId, truth } = customers[check % CUSTOMERS]!;
      const answer = await fleet[check % fleet.length]!.seats(customerId);
      sources.set(answer.source, (sources.get(answer.source) ?? 0) + 1);
      if (answer.isFallback || answer.usage !== truth.usage) wrong.push(answer);
    }
  });
  for (let index = 0; index < fleet.length; index++) {
    // As an orchestrator does: the new one is ready before the old one goes.
    const before = fleet[index]!;
    const after = await start();
    for (const { customerId, truth } of customers)
      expect(await after.seats(customerId)).toMatchObject({ source: "redis", ...truth });
    fleet[index] = after;
    await before.stop();
  }
  isOver = true;
  await Promise.all(callers);
  expect(wrong).toEqual([]);
  expect([...sources.keys()].filter((source) => source !== "memory" && source !== "redis")).toEqual([]);
});
