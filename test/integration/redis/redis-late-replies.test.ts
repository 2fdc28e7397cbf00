import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { stateKey } from "../../../src/adapters/cache/redis/store/redis-keys.js";
import { type RedisServer, startRedis } from "../../builders/redis-servers.js";
import { RedisStore } from "../../builders/redis-store.js";
import { metered, stateWith } from "../../builders/states.js";
import { HeldCommands } from "../../fakes/held-commands.js";
import { environmentOf, FALLBACK, RedisWorld, type SidecarOnRedis } from "../../faults/redis-under-fault.js";
import { eventually } from "../../support/expectations.js";

const ACME = { customerId: "acme" };

describe("a reply that comes after its asker gave up", () => {
  let server: RedisServer;
  const opened: RedisStore[] = [];
  beforeEach(async () => {
    server = await startRedis();
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((redis) => redis.close()));
    await server.stop();
  });

  async function openStore() {
    let commands!: HeldCommands;
    const redis = new RedisStore({
      target: { kind: "server", host: server.host, port: server.port, db: 0 },
      environment: "late",
      commands: (real) => (commands = new HeldCommands(real)),
    });
    opened.push(redis);
    await redis.ready();
    return { redis, store: redis.store, commands };
  }
  const withLimit = (usageLimit: number) => ({
    state: stateWith([metered({ usageLimit })], { updatedAt: usageLimit }),
    verifiedAt: 1,
    recheckAt: Infinity,
    isVerified: true,
  });
  const peekedLimit = ({ store }: { readonly store: RedisStore["store"] }) =>
    store.peek("acme", undefined)?.state.feature("seats")?.usageLimit;

  async function givenUp() {
    const [here, elsewhere] = [await openStore(), await openStore()];
    await elsewhere.store.put(ACME, withLimit(1));
    // From now on it is known which usages states have.
    await here.store.load(ACME);
    await here.store.forget(ACME);
    await elsewhere.store.put(ACME, withLimit(1));
    const reply = here.commands.holdNext("read");
    await expect(here.store.load(ACME, 1)).rejects.toMatchObject({ code: "unavailable" });
    await reply.replied;
    return { here, elsewhere, reply };
  }

  it("is cached all the same", async () => {
    const { here, reply } = await givenUp();
    expect(peekedLimit(here)).toBeUndefined();
    reply.release();
    await eventually(() => peekedLimit(here)).toBe(1);
  });

  it("is not, where a write raced with it: what was written is read", async () => {
    const { here, elsewhere, reply } = await givenUp();
    const received = here.redis.notifiedOf(stateKey("late", ACME));
    await elsewhere.store.put(ACME, withLimit(2));
    await received;
    reply.release();
    await eventually(() => peekedLimit(here)).toBe(2);
  });
});

describe.each(["hangs", "is gone"] as const)("where upstream %s, Redis is held up", (how) => {
  let world: RedisWorld;
  let server: RedisServer;
  let sidecar: SidecarOnRedis;
  const answered = () => sidecar.sidecar.telemetry.answers;

  beforeEach(async () => {
    world = await RedisWorld.open();
    server = await startRedis();
    const other = await world.sidecar(environmentOf(server));
    await other.connectedTimes(1);
    await other.seats();
    sidecar = await world.sidecar(environmentOf(server));
    await sidecar.connectedTimes(1);
    if (how === "hangs") world.hangUpstream();
    else await world.emulator.faults.goDown();
  });
  afterEach(async () => {
    await server.stop();
    await world.stop();
  });

  it("for less than the check's budget: its answer counts, and the next check is answered from memory", async () => {
    server.pause();
    const answer = sidecar.seats();
    // Slow is what takes longer than its step.
    await sidecar.sidecar.logger.until(
      "Redis does not answer in time: upstream is asked beside it, and nothing is written to it for now",
      1,
    );
    server.resume();
    expect(await answer).toMatchObject({ source: "redis", limit: 10, usage: 8 });
    expect(await sidecar.seatsFrom("memory")).toMatchObject({ limit: 10, usage: 8 });
    expect(answered()).toMatchObject({ fallback: 0 });
  });

  it("for longer: the fallback answers the check, and the next one is answered from what came late", async () => {
    server.pause();
    expect(await sidecar.seats()).toMatchObject(FALLBACK);
    server.resume();
    await eventually(() => sidecar.seats()).toMatchObject({ isFallback: false, limit: 10 });
    expect(await sidecar.seatsFrom("memory")).toMatchObject({ limit: 10, usage: 8 });
    expect(sidecar.sidecar.logger.lines.filter(({ message }) => message === "there is no connection to Redis")).toEqual(
      [],
    );
  });
});
