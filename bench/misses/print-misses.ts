import { fork } from "node:child_process";
import { once } from "node:events";
import { availableParallelism, loadavg } from "node:os";
import { fileURLToPath } from "node:url";
import { startRedis } from "../../test/builders/redis-servers.js";
import { fillRedis, METERED, type MissWorld, missWorld } from "./miss-world.js";

const CUSTOMERS = 12_000;
const IN_FLIGHT = 200;
const WARM_UP = 2_000;

type Kind = "redis" | "upstream" | "upstream-to-redis";

/** Prints as Markdown. @param only one kind of miss, as where a profile is taken */
export async function printMisses(only?: string): Promise<void> {
  const edge = fork(fileURLToPath(new URL("edge-process.js", import.meta.url)));
  const [{ port: upstreamPort }] = (await once(edge, "message")) as [{ port: number }];
  print(
    `Node ${process.version}, ${availableParallelism()} processors, load ${loadavg()
      .map((load) => load.toFixed(1))
      .join(" ")}`,
  );
  print(
    "| a miss answered | processor time each, us | so many a second on one core | elapsed, so many a second | from where |",
  );
  print("| --- | --- | --- | --- | --- |");
  for (const kind of ["redis", "upstream", "upstream-to-redis"] satisfies Kind[]) {
    if (only !== undefined && only !== kind) continue;
    const redis = kind === "upstream" ? undefined : await startRedis();
    if (kind === "redis" && redis !== undefined) await fillRedis(redis.port, CUSTOMERS);
    const world = await missWorld({ redisPort: redis?.port, upstreamPort });
    await checkAll(world, 0, WARM_UP);
    const cpuBefore = process.cpuUsage();
    const startedAt = performance.now();
    await checkAll(world, WARM_UP, CUSTOMERS);
    const cpu = process.cpuUsage(cpuBefore);
    const count = CUSTOMERS - WARM_UP;
    const micros = (cpu.user + cpu.system) / count;
    const elapsed = Math.round((count * 1_000) / (performance.now() - startedAt));
    print(
      `| ${kind} | ${micros.toFixed(0)} | ${Math.round(1e6 / micros)} | ${elapsed} | ${JSON.stringify(world.answers)} |`,
    );
    await world.close();
    await redis?.stop();
  }
  edge.kill();
}

async function checkAll({ check }: MissWorld, from: number, to: number): Promise<void> {
  let next = from;
  const call = { deadlineAt: undefined, signal: undefined };
  await Promise.all(
    Array.from({ length: IN_FLIGHT }, async () => {
      for (let customer = next++; customer < to; customer = next++) {
        const query = {
          featureId: `m${customer % METERED}`,
          kind: "metered" as const,
          requestedUsage: undefined,
          requestedValues: [],
          fallback: undefined,
          fallbackWhenUnknown: false,
        };
        await check.feature(`customer-${customer}`, undefined, query, call);
      }
    }),
  );
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
