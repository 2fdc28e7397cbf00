import { availableParallelism, loadavg } from "node:os";
import { setTimeout as elapse } from "node:timers/promises";
import type { KeyDistribution } from "../load/key-sequence.js";
import type { LoadResult } from "../load/load-job.js";
import { LoadGenerator } from "../processes/load-generator.js";
import { goBeforeOthers } from "../processes/precedence.js";
import { Redis } from "../processes/redis.js";
import { type MeasuredServer, startSidecar } from "../processes/server.js";
import { Upstream } from "../processes/upstream.js";
import { fillForChecks } from "./fill-for-checks.js";

const CUSTOMERS = 100_000;
const SECONDS = 15;
const RATES = [1_000, 2_500, 5_000, 10_000, 20_000];
const KEYS: readonly KeyDistribution[] = ["zipf", "uniform"];
const CONNECTIONS = 20;
const STREAMS = 1_000;
const ENVIRONMENT = "bench";
/** A second in which every answer is this fast, and none is a fallback, is one in which all is well. */
const WELL_MS = 100;

export type ColdStartMode = "redis" | "memory";

interface Second {
  readonly p99: number;
  readonly max: number;
  readonly made: number;
}

/** Prints as Markdown: a sidecar starts, and gets checks from then on at a steady rate, whatever becomes of them. */
export async function printColdStart(mode: ColdStartMode, rates: readonly number[]): Promise<void> {
  const goesBefore = goBeforeOthers();
  const load = loadavg().map((value) => value.toFixed(1));
  print(
    `Node ${process.version}, ${availableParallelism()} processors, load ${load.join(" ")}${goesBefore ? ", before all else" : ""}; ${CUSTOMERS} customers of 20 entitlements, ${SECONDS} s each`,
  );
  print(
    "| checks/s | customers | memory | redis | upstream | made up | asked upstream | p50 ms | p99 ms | longest ms | all is well from second |",
  );
  print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
  const upstream = await Upstream.start({ customers: CUSTOMERS, isShared: true });
  const redis = mode === "redis" ? await Redis.start() : undefined;
  if (redis !== undefined) await fillForChecks(redis.port, ENVIRONMENT, CUSTOMERS);
  try {
    for (const perSecond of rates.length > 0 ? rates : RATES)
      for (const keys of KEYS) await printOne({ upstream, redis }, perSecond, keys);
  } finally {
    await upstream.stop();
    await redis?.stop();
  }
}

interface Others {
  readonly upstream: Upstream;
  readonly redis: Redis | undefined;
}

async function printOne({ upstream, redis }: Others, perSecond: number, keys: KeyDistribution): Promise<void> {
  const generator = await LoadGenerator.start();
  const server = await startSidecar(
    process.execPath,
    upstream,
    redis && { REDIS_ENVIRONMENT_PREFIX: ENVIRONMENT, REDIS_HOST: "127.0.0.1", REDIS_PORT: String(redis.port) },
  );
  try {
    const watch = new SecondsOfFallbacks(server);
    const running = generator.run({
      port: server.grpcPort,
      serverPid: server.child.pid,
      protocol: "grpc",
      connections: CONNECTIONS,
      streams: STREAMS,
      calls: ["boolean", "metered", "any", "v2"],
      keys,
      customers: CUSTOMERS,
      areAnswersDecoded: false,
      shape: { kind: "steady", perSecond, warmUpMs: 0, windowMs: 1_000, windows: SECONDS },
    });
    const made = await running.then(
      () => watch.end(),
      () => watch.end(),
    );
    const result = await running;
    const metrics = await metricsOf(server);
    const from = (source: string) => sumOf(metrics, "sidecar_answers_total", `source="${source}"`);
    const { latency } = result;
    print(
      `| ${perSecond} | ${keys} | ${from("memory")} | ${from("redis")} | ${from("upstream")} | ${sumOf(metrics, "sidecar_fallbacks_total", "")} | ${sumOf(metrics, "sidecar_upstream_requests_total", 'target="edge"')} | ${latency.p50.toFixed(1)} | ${latency.p99.toFixed(1)} | ${latency.max.toFixed(0)} | ${wellFrom(result, made)} |`,
    );
  } finally {
    await server.child.stop();
    await generator.stop();
  }
}

/** How many answers were made up, second by second. */
class SecondsOfFallbacks {
  readonly #server: MeasuredServer;
  readonly #perSecond: number[] = [];
  readonly #running: Promise<void>;
  #goesOn = true;

  constructor(server: MeasuredServer) {
    this.#server = server;
    this.#running = this.#run();
  }

  async end(): Promise<readonly number[]> {
    this.#goesOn = false;
    await this.#running;
    return this.#perSecond;
  }

  async #run(): Promise<void> {
    const begun = performance.now();
    let before = 0;
    for (let second = 1; this.#goesOn; second++) {
      await elapse(Math.max(0, begun + second * 1_000 - performance.now()));
      const now = sumOf(await metricsOf(this.#server), "sidecar_fallbacks_total", "");
      this.#perSecond.push(now - before);
      before = now;
    }
  }
}

function wellFrom({ windows }: LoadResult, made: readonly number[]): string {
  const seconds = windows.map(({ p99, max }, index): Second => ({ p99, max, made: made[index] ?? 0 }));
  const lastBad = seconds.findLastIndex(({ p99, made: fallbacks }) => p99 > WELL_MS || fallbacks > 0);
  return lastBad + 1 < seconds.length ? String(lastBad + 1) : "never";
}

async function metricsOf({ metricsPort = 0 }: MeasuredServer): Promise<string> {
  return (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
}

function sumOf(metrics: string, name: string, label: string): number {
  return metrics
    .split("\n")
    .filter((line) => (line.startsWith(`${name}{`) || line.startsWith(`${name} `)) && line.includes(label))
    .reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
