import { setTimeout as elapse } from "node:timers/promises";
import type { KeyDistribution } from "../load/key-sequence.js";
import type { LoadResult } from "../load/load-job.js";
import { LoadGenerator } from "../processes/load-generator.js";
import { Redis } from "../processes/redis.js";
import { type MeasuredServer, startSidecar } from "../processes/server.js";
import { Upstream } from "../processes/upstream.js";
import { fillForChecks } from "./fill-for-checks.js";

export const CUSTOMERS = 100_000;
export const SECONDS = 15;
const CONNECTIONS = 20;
const STREAMS = 1_000;
const ENVIRONMENT = "bench";
/** A second in which every answer is this fast, and none is a fallback, is one in which all is well. */
const WELL_MS = 100;

export type ColdStartMode = "redis" | "memory";

/** What a sidecar needs beside itself. */
export interface Others {
  readonly node: string;
  readonly upstream: Upstream;
  /** It holds all customers; undefined: they are upstream's to tell. */
  readonly redis: Redis | undefined;
}

export interface ColdStart {
  readonly perSecond: number;
  readonly keys: KeyDistribution;
  readonly seconds: number;
}

/** What became of checks that came at a steady rate from the start on. */
export interface ColdStartFigures {
  /** Answers by their source. */
  readonly memory: number;
  readonly redis: number;
  readonly upstream: number;
  readonly madeUp: number;
  /** How many were made up in each second. */
  readonly madeUpBySecond: readonly number[];
  readonly askedUpstream: number;
  readonly latency: LoadResult["latency"];
  /** The first second from which on all is well; undefined: it never was. */
  readonly wellFromSecond: number | undefined;
}

/** @param customers how many Redis holds, where there is one */
export async function startOthers(
  mode: ColdStartMode,
  customers = CUSTOMERS,
  node = process.execPath,
): Promise<Others & { stop(): Promise<void> }> {
  const upstream = await Upstream.start({ customers, isShared: true }, mode === "memory");
  const redis = mode === "redis" ? await Redis.start() : undefined;
  if (redis !== undefined) await fillForChecks(redis.port, ENVIRONMENT, customers);
  return {
    node,
    upstream,
    redis,
    async stop() {
      await upstream.stop();
      await redis?.stop();
    },
  };
}

/** Starts a sidecar, and has it asked from then on, whatever becomes of the checks. */
export async function measureColdStart(
  { node, upstream, redis }: Others,
  { perSecond, keys, seconds }: ColdStart,
  customers = CUSTOMERS,
): Promise<ColdStartFigures> {
  const generator = await LoadGenerator.start();
  const server = await startSidecar(
    node,
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
      customers,
      areAnswersDecoded: false,
      shape: { kind: "steady", perSecond, warmUpMs: 0, windowMs: 1_000, windows: seconds },
    });
    const madeUpBySecond = await running.then(
      () => watch.end(),
      () => watch.end(),
    );
    const result = await running;
    const metrics = await metricsOf(server);
    const from = (source: string) => sumOf(metrics, "sidecar_answers_total", `source="${source}"`);
    return {
      memory: from("memory"),
      redis: from("redis"),
      upstream: from("upstream"),
      madeUp: sumOf(metrics, "sidecar_fallbacks_total", ""),
      madeUpBySecond,
      askedUpstream: sumOf(metrics, "sidecar_upstream_requests_total", 'target="edge"'),
      latency: result.latency,
      wellFromSecond: wellFrom(result, madeUpBySecond),
    };
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

interface Second {
  readonly p99: number;
  readonly made: number;
}

function wellFrom({ windows }: LoadResult, made: readonly number[]): number | undefined {
  const seconds = windows.map(({ p99 }, index): Second => ({ p99, made: made[index] ?? 0 }));
  const lastBad = seconds.findLastIndex(({ p99, made: fallbacks }) => p99 > WELL_MS || fallbacks > 0);
  return lastBad + 1 < seconds.length ? lastBad + 1 : undefined;
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
