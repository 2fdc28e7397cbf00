import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { stateKey } from "../../src/adapters/cache/redis/store/redis-keys.js";
import { freePort, type RedisServer, startRedis } from "../builders/redis-servers.js";
import { TcpProxy } from "../builders/tcp-proxy.js";
import { eventually } from "../support/expectations.js";
import { ENVIRONMENT, environmentOf, FALLBACK, RedisWorld, type SidecarOnRedis } from "./redis-under-fault.js";

const ACME = { isFallback: false, hasAccess: true, limit: 10, usage: 8 };
/** Enough for what is found out by the first to be met by the last. */
const CHECKS = 8;

interface Scene {
  readonly server: RedisServer;
  /** Between the sidecar and Redis. */
  readonly network: TcpProxy;
}

interface RedisFault {
  readonly name: string;
  readonly strike: (scene: Scene) => unknown;
  readonly heal: (scene: Scene) => unknown;
  /** What Redis has can still be read. */
  readonly isReadable?: true;
  /** What it had is gone, but it works. */
  readonly isEmptied?: true;
}

const FAULTS: readonly RedisFault[] = [
  { name: "refuses connections", strike: ({ network }) => network.refuse(), heal: ({ network }) => network.heal() },
  { name: "is gone", strike: ({ server }) => server.kill(), heal: ({ server }) => server.restartEmpty() },
  {
    name: "hangs, its network without a word",
    strike: ({ network }) => network.hang(),
    heal: ({ network }) => network.heal(),
  },
  { name: "hangs, its process stopped", strike: ({ server }) => server.pause(), heal: ({ server }) => server.resume() },
  {
    name: "is slower than its time limit",
    strike: ({ network }) => network.delay(600),
    heal: ({ network }) => network.heal(),
    isReadable: true,
  },
  {
    name: "has dropped its connections",
    strike: ({ network }) => network.cut(),
    heal: () => undefined,
    isReadable: true,
  },
  {
    name: "has restarted empty",
    strike: ({ server }) => server.restartEmpty(),
    heal: () => undefined,
    isEmptied: true,
  },
  {
    name: "is out of memory",
    strike: ({ server }) => server.admin.config("SET", "maxmemory", "1"),
    heal: ({ server }) => server.admin.config("SET", "maxmemory", "0"),
    isReadable: true,
  },
  {
    name: "is read-only",
    strike: async ({ server }) => server.admin.replicaof(server.host, await freePort()),
    heal: ({ server }) => server.admin.replicaof("NO", "ONE"),
    isReadable: true,
  },
];

describe.each(FAULTS)("Redis $name", ({ strike, heal, isReadable = false, isEmptied = false }) => {
  let world: RedisWorld;
  let scene: Scene;
  let sidecar: SidecarOnRedis;

  beforeEach(async () => {
    world = await RedisWorld.open();
    const server = await startRedis();
    scene = { server, network: await TcpProxy.to(server) };
    sidecar = await world.sidecar(environmentOf(scene.network));
    await sidecar.connectedTimes(1);
    expect(await sidecar.seats()).toMatchObject({ source: "upstream", ...ACME });
    await sidecar.seatsFrom("memory");
  });

  afterEach(async () => {
    await scene.network.stop();
    await scene.server.stop();
    await world.stop();
  });

  it("a cached customer is answered throughout, and nobody waits for Redis", async () => {
    await strike(scene);
    for (let check = 0; check < CHECKS; check++) expect(await sidecar.seats()).toMatchObject(ACME);
    await heal(scene);
    expect(await sidecar.seatsFrom("memory")).toMatchObject(ACME);
    expect(sidecar.sidecar.telemetry.answers).toMatchObject({ fallback: 0, stale: 0 });
  });

  it("a cached customer is answered truly with upstream gone as well", async () => {
    await world.emulator.faults.goDown();
    await strike(scene);
    for (let check = 0; check < CHECKS; check++) expect(await sidecar.seats()).toMatchObject(ACME);
    expect(sidecar.sidecar.telemetry.answers.fallback).toBe(0);
  });

  it("cold customers are asked for upstream, and then known", async () => {
    await strike(scene);
    let fetches = 0;
    for (let check = 0; check < CHECKS; check++) {
      const { customerId, truth } = world.coldCustomer();
      expect(await sidecar.seats(customerId)).toMatchObject({ source: "upstream", ...truth });
      expect(await sidecar.seats(customerId)).toMatchObject(truth);
      fetches += world.fetchesOf(customerId);
    }
    // What is fetched at the very time in which Redis comes back is asked for once more.
    expect(fetches).toBeLessThanOrEqual(CHECKS + 2);
  });

  it("of a cold customer, with upstream gone as well, the fallback tells, and no denial", async () => {
    await world.emulator.faults.goDown();
    await strike(scene);
    const { customerId } = world.coldCustomer();
    expect(await sidecar.seats(customerId)).toMatchObject(FALLBACK);
    expect(await sidecar.seats(customerId)).toMatchObject(FALLBACK);
  });

  it("what another one has stored is read from Redis, where it can be, and once it can be", async () => {
    const { customerId, truth } = world.coldCustomer();
    const other = await world.sidecar(environmentOf(scene.server));
    await other.connectedTimes(1);
    expect(await other.seats(customerId)).toMatchObject({ source: "upstream", ...truth });
    await world.emulator.faults.goDown();
    await strike(scene);
    if (isReadable) expect(await sidecar.seatsFrom("redis", customerId)).toMatchObject(truth);
    else expect(await sidecar.seats(customerId)).toMatchObject(FALLBACK);
    await heal(scene);
    const isStillThere = (await scene.server.admin.exists(stateKey(ENVIRONMENT, { customerId }))) === 1;
    if (!isStillThere) await world.emulator.faults.comeBack();
    expect(await sidecar.seatsFrom(isStillThere || isReadable ? "memory" : "upstream", customerId)).toMatchObject(
      truth,
    );
  });

  it("is used again afterwards: what one has fetched, another one reads", async () => {
    const other = await world.sidecar(environmentOf(scene.server));
    await strike(scene);
    await sidecar.seats(world.coldCustomer().customerId);
    await heal(scene);
    await eventually(
      async () => {
        const { customerId } = world.coldCustomer();
        await sidecar.seats(customerId);
        return (await other.seats(customerId)).source;
      },
      { timeout: 20_000, interval: 10 },
    ).toBe("redis");
    if (isEmptied) expect(await scene.server.admin.exists(stateKey(ENVIRONMENT, { customerId: "acme" }))).toBe(0);
  });
});
