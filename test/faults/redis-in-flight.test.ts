import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { missLockKey, stateKey } from "../../src/adapters/cache/redis/store/redis-keys.js";
import { type RedisServer, startRedis } from "../builders/redis-servers.js";
import { TcpProxy } from "../builders/tcp-proxy.js";
import { ENVIRONMENT, environmentOf, FALLBACK, RedisWorld, type SidecarOnRedis } from "./redis-under-fault.js";

const ACME = { isFallback: false, hasAccess: true, limit: 10, usage: 8 };

let world: RedisWorld;
let server: RedisServer;
let network: TcpProxy;
let sidecar: SidecarOnRedis;

beforeEach(async () => {
  world = await RedisWorld.open();
  server = await startRedis();
  network = await TcpProxy.to(server);
  sidecar = await world.sidecar(environmentOf(network));
  await sidecar.connectedTimes(1);
});

afterEach(async () => {
  await network.stop();
  await server.stop();
  await world.stop();
});

/** Upstream answers a fetch only when it is let go. */
async function duringFetch(act: () => Promise<void> | void) {
  const release = world.emulator.faults.inject({ target: "edge", kind: "hold" });
  const checking = sidecar.seats();
  await world.emulator.stats.until(({ edge }) => edge.inFlight === 1);
  await act();
  release();
  return checking;
}

describe("a check that waits for Redis", () => {
  it("is answered by upstream at once when the connection is lost", async () => {
    server.pause();
    const sent = network.sent("acme");
    const checking = sidecar.seats();
    await sent;
    network.refuse();
    expect(await checking).toMatchObject({ source: "upstream", ...ACME });
  });

  it("is answered in time when nothing else answers either", async () => {
    world.hangUpstream();
    network.hang();
    expect(await sidecar.seats()).toMatchObject(FALLBACK);
    expect(
      await Promise.all(Array.from({ length: 200 }, () => sidecar.seats(world.coldCustomer().customerId))),
    ).toEqual(Array.from({ length: 200 }, () => expect.objectContaining(FALLBACK)));
  });

  it("waits no longer because many do", async () => {
    // Enough for each of them on a busy machine, and far from enough for one after the other.
    const patient = await world.sidecar({ ...environmentOf(network), ENTITLEMENTS_TIMEOUT_MS: "5000" });
    await patient.connectedTimes(1);
    network.hang();
    const cold = Array.from({ length: 40 }, () => world.coldCustomer());
    const answers = await Promise.all(cold.map(({ customerId }) => patient.seats(customerId)));
    expect(answers).toEqual(cold.map(({ truth }) => expect.objectContaining({ source: "upstream", ...truth })));
  });

  it("waits for a lock whose holder is dead no longer than a part of its budget", async () => {
    await server.admin.set(missLockKey(ENVIRONMENT, { customerId: "acme" }), "a token", "PX", 60_000);
    expect(await sidecar.seats()).toMatchObject({ source: "upstream", ...ACME });
    expect(world.fetchesOf("acme")).toBe(1);
    const other = await world.sidecar(environmentOf(server));
    await other.connectedTimes(1);
    expect(await other.seats()).toMatchObject({ source: "redis", ...ACME });
  });
});

describe("while upstream is asked", () => {
  it("Redis may die: the answer counts, and is known from then on", async () => {
    expect(await duringFetch(() => server.kill())).toMatchObject({ source: "upstream", ...ACME });
    expect(await sidecar.seats()).toMatchObject(ACME);
    expect(world.fetchesOf("acme")).toBe(1);
  });

  it("Redis may hang: the answer counts", async () => {
    expect(await duringFetch(() => network.hang())).toMatchObject({ source: "upstream", ...ACME });
    expect(await sidecar.seats()).toMatchObject(ACME);
  });

  it("Redis may come back knowing nothing: that is no reason to deny", async () => {
    const answer = await duringFetch(async () => {
      await server.restartEmpty();
      await sidecar.connectedTimes(2);
      expect(await server.admin.exists(stateKey(ENVIRONMENT, { customerId: "acme" }))).toBe(0);
    });
    expect(answer).toMatchObject({ source: "upstream", ...ACME });
    expect(await sidecar.seats()).toMatchObject(ACME);
  });

  it("upstream may fail and Redis come back empty: what was cached still serves", async () => {
    await sidecar.seats();
    await world.emulator.faults.goDown();
    await server.restartEmpty();
    await sidecar.connectedTimes(2);
    for (let check = 0; check < 5; check++) expect(await sidecar.seats()).toMatchObject({ source: "stale", ...ACME });
    expect(await sidecar.seats(world.coldCustomer().customerId)).toMatchObject(FALLBACK);
  });
});
