import { fork } from "node:child_process";
import { once } from "node:events";
import { availableParallelism, loadavg } from "node:os";
import { fileURLToPath } from "node:url";
import { startRedis } from "../../test/builders/redis-servers.js";
import { fillRedis, METERED, type MissWorld, missWorld } from "./miss-world.js";

const CUSTOMERS = 12_000;
const IN_FLIGHT = 200;
const WARM_UP = 2_000;

/** `refused`: more are asked for at once than can be read in time. */
type Kind = "redis" | "upstream" | "upstream-to-redis" | "refused";
/** Far more than Redis is asked for at once. */
const TOO_MANY = 60_000;

/** Prints as Markdown. @param only one kind of miss, as where a profile is taken */
export async function printMisses(only?: string): Promise<void> {
  const edge = fork(fileURLToPath(new URL("edge-process.mjs", import.meta.url)));
  const [{ port: upstreamPort }] = (await once(edge, "message")) as [{ port: number }];
  print(
    `Node ${process.version}, ${availableParallelism()} processors, load ${loadavg()
      .map((load) => load.toFixed(1))
      .join(" ")}`,
  );
  print("| a miss | processor time each, us | so many a second on one core | elapsed, so many a second | from where |");
  print("| --- | --- | --- | --- | --- |");
  for (const kind of ["redis", "upstream", "upstream-to-redis", "refused"] satisfies Kind[]) {
    if (only !== undefined && only !== kind) continue;
    const redis = kind === "upstream" ? undefined : await startRedis();
    if ((kind === "redis" || kind === "refused") && redis !== undefined) await fillRedis(redis.port, CUSTOMERS);
    const world = await missWorld({ redisPort: redis?.port, upstreamPort });
    const coldBefore = process.cpuUsage();
    await checkAll(world, 0, WARM_UP);
    const cold = process.cpuUsage(coldBefore);
    if (kind === "redis") print(rowOf(`${kind}, the first ${WARM_UP} of a process`, cold, WARM_UP));
    // The first overload has the refusals compiled.
    if (kind === "refused") await overload(world, TOO_MANY, 2 * TOO_MANY);
    const cpuBefore = process.cpuUsage();
    const startedAt = performance.now();
    const count =
      kind === "refused"
        ? await overload(world, 2 * TOO_MANY, 3 * TOO_MANY)
        : await checkAll(world, WARM_UP, CUSTOMERS).then(() => CUSTOMERS - WARM_UP);
    const cpu = process.cpuUsage(cpuBefore);
    const elapsed = Math.round((count * 1_000) / (performance.now() - startedAt));
    print(`${rowOf(kind, cpu, count)} ${elapsed} | ${JSON.stringify(world.answers)} |`);
    await world.close();
    await redis?.stop();
  }
  edge.kill();
}

function rowOf(what: string, { user, system }: NodeJS.CpuUsage, count: number): string {
  const micros = (user + system) / count;
  return `| ${what} | ${micros.toFixed(0)} | ${Math.round(1e6 / micros)} |`;
}

/** Asks for all at once. @returns how many were refused; to the few that were not it adds what asking costs */
async function overload({ check }: MissWorld, from: number, to: number): Promise<number> {
  let refused = 0;
  for (let customer = from; customer < to; customer++) {
    const answer = check.feature(`customer-${customer}`, undefined, queryOf(customer), CALL);
    void Promise.resolve(answer).then(({ source }) => (refused += Number(source === "fallback")));
  }
  for (let before = -1; refused > before;) {
    before = refused;
    await new Promise((resolve) => setImmediate(resolve));
  }
  return refused;
}

async function checkAll({ check }: MissWorld, from: number, to: number): Promise<void> {
  let next = from;
  await Promise.all(
    Array.from({ length: IN_FLIGHT }, async () => {
      for (let customer = next++; customer < to; customer = next++) {
        await check.feature(`customer-${customer}`, undefined, queryOf(customer), CALL);
      }
    }),
  );
}

const CALL = { deadlineAt: undefined, signal: undefined };

function queryOf(customer: number) {
  return {
    featureId: `m${customer % METERED}`,
    kind: "metered" as const,
    requestedUsage: undefined,
    requestedValues: [],
    fallback: undefined,
    fallbackWhenUnknown: false,
  };
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
