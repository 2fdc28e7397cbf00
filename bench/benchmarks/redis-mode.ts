import { resolve } from "node:path";
import { setTimeout as elapse } from "node:timers/promises";
import { Redis as RedisClient } from "ioredis";
import type { Benchmark } from "../benchmark.js";
import type { Lab } from "../lab.js";
import { Child, REPO } from "../processes/child.js";
import { hasRedis, Redis } from "../processes/redis.js";
import { startSidecar } from "../processes/server.js";
import { interleaved, Rounds } from "../rounds.js";
import { Throughput } from "../throughput.js";
import { CHECKS } from "./cached-checks.js";

const ENVIRONMENT = "bench";
const MOST_CUSTOMERS = 10_000;
const IN_FLIGHT = { connections: 10, streams: 10 };
const LOOK_EVERY_MS = 200;
const OF_MEMORY = 0.9;

/** The sidecar on a shared Redis beside itself in memory mode, and beside the published client on the same Redis. */
export const REDIS_MODE: Benchmark = {
  name: "redis",
  title: "Cached checks over gRPC in Redis mode, 10 connections with 10 in flight",
  async measure(lab) {
    if (!hasRedis()) throw new Error("redis-server is not installed");
    const { rounds, measuredMs } = lab.pace;
    const customers = Math.min(MOST_CUSTOMERS, lab.pace.customers);
    const redis = await lab.owned(Redis.start());
    await fill(lab, redis, customers);
    const memory = await lab.sidecar();
    const shared = await lab.ownedServer(startSidecar(lab.node, await lab.upstream(), environmentOf(redis)));
    await lab.checkAll(shared, customers);
    const reference = await startReference(lab, redis);
    const throughput = new Throughput<"memory" | "redis">(lab);
    const compared = new Rounds<"redis" | "reference">();
    const load = {
      protocol: "grpc",
      ...IN_FLIGHT,
      calls: CHECKS,
      keys: "zipf",
      customers,
      areAnswersDecoded: true,
    } as const;
    await interleaved(rounds, [
      throughput.turn("memory", memory, load),
      async () => compared.add("redis", await throughput.measure("redis", shared, load)),
      async () =>
        compared.add(
          "reference",
          await checksOf(reference, { measuredMs, inFlight: IN_FLIGHT.connections * IN_FLIGHT.streams, customers }),
        ),
    ]);
    return [
      throughput.rate("memory", "entitlement-sidecar, memory mode", `of ${customers} customers`),
      throughput.rate("redis", "entitlement-sidecar, Redis mode"),
      throughput.ratio("redis", "memory", "… of memory mode", OF_MEMORY),
      {
        what: "reference client, in its own process, Redis mode",
        value: compared.median("reference"),
        unit: "per second",
        note: "uniformly random customers, nothing encoded",
      },
      { what: "… the sidecar over gRPC of that", value: compared.ratio("redis", "reference"), unit: "x" },
    ];
  },
};

/** By a sidecar that follows upstream's changes and writes them to Redis. */
async function fill(lab: Lab, redis: Redis, customers: number): Promise<void> {
  const upstream = await lab.upstream();
  const writer = await lab.ownedServer(
    startSidecar(lab.node, upstream, { ...environmentOf(redis), WS_ENABLED: "true" }),
  );
  await upstream.sendEntitlements(customers);
  await untilWritten(redis, customers);
  await writer.child.stop();
}

async function untilWritten(redis: Redis, customers: number): Promise<void> {
  const client = new RedisClient({ host: "127.0.0.1", port: redis.port });
  try {
    let [keys, before] = [0, -1];
    while (keys === 0 || keys !== before) {
      before = keys;
      await elapse(LOOK_EVERY_MS);
      keys = await client.dbsize();
    }
    if (keys < customers) throw new Error(`Redis holds ${keys} keys, fewer than there are customers`);
  } finally {
    client.disconnect();
  }
}

function environmentOf({ port }: Redis): Readonly<Record<string, string>> {
  return { REDIS_ENVIRONMENT_PREFIX: ENVIRONMENT, REDIS_HOST: "127.0.0.1", REDIS_PORT: String(port) };
}

async function startReference(lab: Lab, redis: Redis): Promise<Child> {
  const { port } = await lab.upstream();
  const options = JSON.stringify({
    upstreamUrl: `http://127.0.0.1:${port}`,
    redisPort: redis.port,
    environmentPrefix: ENVIRONMENT,
  });
  const child = new Child([lab.node, resolve(REPO, "bench/peers/reference-client.js"), options], {
    core: "server",
    hasChannel: true,
  });
  await lab.owned(Promise.resolve(child));
  await child.message();
  return child;
}

async function checksOf(reference: Child, order: object): Promise<number> {
  const answered = reference.message();
  reference.send(order);
  const { perSecond, failure } = (await answered) as { readonly perSecond?: number; readonly failure?: string };
  if (perSecond === undefined) throw new Error(`the reference client failed: ${failure ?? "without a reason"}`);
  return perSecond;
}
