import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import type { Environment } from "../../src/bootstrap/config/read-settings.js";
import { startCluster } from "../builders/redis-cluster.js";
import { startSentinelSet } from "../builders/redis-sentinels.js";
import type { RedisServer } from "../builders/redis-servers.js";
import { eventually } from "../support/expectations.js";
import { RedisWorld, type SidecarOnRedis } from "./redis-under-fault.js";

const PASSWORD = "secret";
const CUSTOMERS = 60;
/** So many that some lie on every master. */
const MANY = 20;

interface Place {
  readonly environment: Environment;
  /** Takes a master away; resolves once another one is in its place. */
  failOver(): Promise<unknown>;
  stop(): Promise<void>;
}

const addresses = (nodes: readonly { readonly host: string; readonly port: number }[]) =>
  nodes.map(({ host, port }) => `${host}:${port}`).join(",");

const PLACES: readonly (readonly [name: string, open: () => Promise<Place>])[] = [
  [
    "a Sentinel set",
    async () => {
      const set = await startSentinelSet({ server: { password: PASSWORD } });
      return {
        environment: { REDIS_SENTINELS: addresses(set.addresses), REDIS_SENTINEL_NAME: set.name },
        failOver: () => set.failOver(),
        stop: () => set.stop(),
      };
    },
  ],
  [
    "a Cluster",
    async () => {
      const cluster = await startCluster({ replicasOfEach: 1, server: { password: PASSWORD } });
      return {
        environment: { REDIS_CLUSTER_NODES: addresses(cluster.nodes) },
        failOver: async () => {
          await untilReplicated(cluster.masters[0]!);
          await cluster.masters[0]!.kill();
          await cluster.replicas[0]!.admin.cluster("FAILOVER", "TAKEOVER");
        },
        stop: () => cluster.stop(),
      };
    },
  ],
];

describe.each(PLACES)("%s fails over", (_, open) => {
  let place: Place;
  let world: RedisWorld;
  let sidecar: SidecarOnRedis;
  let other: SidecarOnRedis;

  beforeEach(async () => {
    place = await open();
    world = await RedisWorld.open();
    const environment = { ...place.environment, REDIS_PASSWORD: PASSWORD };
    [sidecar, other] = await Promise.all([world.sidecar(environment), world.sidecar(environment)]);
    for (const {
      sidecar: { logger },
    } of [sidecar, other])
      await logger.until("Redis tells of writes");
  });

  afterEach(async () => {
    await world.stop();
    await place.stop();
  });

  it("and every check meanwhile is answered, truly, and afterwards from the new master", async () => {
    const warm = Array.from({ length: CUSTOMERS }, () => world.coldCustomer());
    for (const { customerId, truth } of warm)
      expect(await sidecar.seats(customerId)).toMatchObject({ source: "upstream", ...truth });

    let isOver = false;
    const wrong: unknown[] = [];
    const checking = [sidecar, other].map(async (one) => {
      for (let check = 0; !isOver; check++) {
        const { customerId, truth } = check % 5 === 0 ? world.coldCustomer() : warm[check % CUSTOMERS]!;
        const answer = await one.seats(customerId).catch((error: unknown) => error);
        if (!matches(answer, truth)) wrong.push(answer);
      }
    });
    await place.failOver();
    await Promise.all([sidecar, other].map(({ sidecar: { logger } }) => logger.until("Redis tells of writes", 2)));
    isOver = true;
    await Promise.all(checking);
    expect(wrong).toEqual([]);

    // Notices of writes and commands come back on connections of their own: commands have to be there too, at every master.
    await eventually(
      async () => {
        const cold = Array.from({ length: MANY }, () => world.coldCustomer().customerId);
        await Promise.all(cold.map((customerId) => sidecar.seats(customerId)));
        return (await Promise.all(cold.map((customerId) => other.seats(customerId)))).map(({ source }) => source);
      },
      { timeout: 20_000, interval: 10 },
    ).toEqual(Array.from({ length: MANY }, () => "redis"));

    await world.emulator.faults.goDown();
    for (const { customerId, truth } of warm) expect(await other.seats(customerId)).toMatchObject(truth);
    await world.emulator.faults.comeBack();
    expect(sidecar.sidecar.telemetry.answers).toMatchObject({ fallback: 0 });
  });
});

/** What was written until now: a replica that takes over before it has it all takes some of it away. */
async function untilReplicated({ admin }: RedisServer): Promise<void> {
  const offsetIn = async (pattern: RegExp) => Number(pattern.exec(await admin.info("replication"))?.[1] ?? NaN);
  const written = await offsetIn(/master_repl_offset:(\d+)/);
  await eventually(() => offsetIn(/slave0:.*offset=(\d+)/), { timeout: 10_000, interval: 10 }).toBeGreaterThanOrEqual(
    written,
  );
}

function matches(answer: unknown, truth: object): boolean {
  try {
    expect(answer).toMatchObject(truth);
    return true;
  } catch {
    return false;
  }
}
