import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { CatalogInput } from "../../src/adapters/catalog/file/catalog-input.js";
import { ServiceProcess } from "../../test/integration/service/service-process.js";
import { GrpcChecks } from "./grpc-checks.js";
import { Latencies } from "./latencies.js";
import { startSidecarProcess } from "./sidecar-process.js";

const CUSTOMERS = 10_000;
const CHECKS_PER_SECOND = 500;
/** What a network adds to each of upstream's answers. */
const UPSTREAM_DELAY_MS = 50;
const WARMED_AT_ONCE = 64;
const API_KEY = "server-key";

export interface Phase {
  readonly name: string;
  readonly latencies: Latencies;
  readonly sources: ReadonlyMap<string, number>;
  /** States fetched from upstream meanwhile. */
  readonly fetches: number;
}

export interface CutFigures {
  readonly phases: readonly Phase[];
  /** The most requests that upstream ever had to answer at the same time. */
  readonly maxConcurrent: number;
}

interface Emulator {
  readonly url: string;
  readonly wsUrl: string;
  control(method: "GET" | "POST" | "DELETE", path: string, body?: object): Promise<Stats>;
  stop(): Promise<void>;
}

type Stats = Readonly<Partial<Record<string, TargetStats>>>;

interface TargetStats {
  readonly maxInFlight: number;
  readonly byOperation: Readonly<Record<string, number>>;
}

/** Checks at a steady rate, over all customers by chance, while the update stream is cut and comes back. Three processes. */
export async function measureCutStream(): Promise<CutFigures> {
  const folder = await mkdtemp(join(tmpdir(), "figures-"));
  const file = join(folder, "catalog.json");
  await writeFile(file, JSON.stringify(catalogOfMany()));
  const emulator = await startEmulatorProcess(file);
  try {
    const sidecar = await startSidecarProcess(emulator.url, emulator.wsUrl, API_KEY);
    const client = new GrpcChecks(sidecar.grpcPort, "seats");
    try {
      return await measure(emulator, client);
    } finally {
      client.close();
      await sidecar.stop();
    }
  } finally {
    await emulator.stop();
    await rm(folder, { recursive: true });
  }
}

async function measure(emulator: Emulator, client: GrpcChecks): Promise<CutFigures> {
  // Twice: what was cached before the stream was there is stale once it is.
  for (let pass = 0; pass < 2; pass++) await warm(client);
  await slowDown(emulator);
  const phases: Phase[] = [await checkSteadily("before the cut", 10, emulator, client)];
  await emulator.control("POST", "faults", { target: "ws", kind: "upgrade-status", status: 503 });
  await emulator.control("POST", "reset-sockets");
  phases.push(await checkSteadily("while there is no stream", 5, emulator, client));
  await emulator.control("DELETE", "faults");
  await slowDown(emulator);
  for (const name of ["the first 5 s after", "the next 5 s", "5 s later still"])
    phases.push(await checkSteadily(name, 5, emulator, client));
  phases.push(await checkSteadily("the next 10 s", 10, emulator, client));
  const { edge, api } = await emulator.control("GET", "stats");
  return { phases, maxConcurrent: Math.max(edge?.maxInFlight ?? 0, api?.maxInFlight ?? 0) };
}

async function warm(client: GrpcChecks): Promise<void> {
  for (let start = 0; start < CUSTOMERS; start += WARMED_AT_ONCE) {
    await Promise.all(
      Array.from({ length: WARMED_AT_ONCE }, (_, index) => client.check(idOf(Math.min(start + index, CUSTOMERS - 1)))),
    );
  }
}

async function slowDown(emulator: Emulator): Promise<void> {
  for (const target of ["edge", "api"])
    await emulator.control("POST", "faults", { target, kind: "delay", ms: UPSTREAM_DELAY_MS });
}

/** A check is due every so often and counts from when it was due, so that a stall costs all checks that fell into it. */
async function checkSteadily(name: string, seconds: number, emulator: Emulator, client: GrpcChecks): Promise<Phase> {
  const latencies = new Latencies();
  const sources = new Map<string, number>();
  const before = await fetchesOf(emulator);
  const startedAt = performance.now();
  const checks: Promise<void>[] = [];
  const checkDueAt = async (dueAt: number) => {
    const { source } = await client.check(idOf(Math.floor(Math.random() * CUSTOMERS)));
    latencies.add(performance.now() - dueAt);
    sources.set(source, (sources.get(source) ?? 0) + 1);
  };
  while (checks.length < seconds * CHECKS_PER_SECOND) {
    const due = ((performance.now() - startedAt) * CHECKS_PER_SECOND) / 1_000;
    while (checks.length < Math.min(due, seconds * CHECKS_PER_SECOND))
      checks.push(checkDueAt(startedAt + (checks.length * 1_000) / CHECKS_PER_SECOND));
    await pause(1);
  }
  await Promise.all(checks);
  return { name, latencies, sources, fetches: (await fetchesOf(emulator)) - before };
}

async function fetchesOf(emulator: Emulator): Promise<number> {
  const { edge, api } = await emulator.control("GET", "stats");
  return (edge?.byOperation["entitlements-state.json"] ?? 0) + (api?.byOperation["GetEntitlementsState"] ?? 0);
}

async function startEmulatorProcess(catalogFile: string): Promise<Emulator> {
  const emulator = new ServiceProcess(
    ["emulate", "--catalog", catalogFile, "--port", "0", "--api-key", API_KEY, "--control"],
    {},
  );
  const [url = ""] = await emulator.printed(/http:\/\/[\d.]+:\d+/);
  return {
    url,
    wsUrl: url.replace("http", "ws"),
    async control(method, path, body) {
      const answer = await fetch(`${url}/emulator/${path}`, {
        method,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      if (!answer.ok) throw new Error(`${method} ${path}: HTTP ${answer.status} ${await answer.text()}`);
      return (await answer.json()) as Stats;
    },
    async stop() {
      emulator.child.kill("SIGTERM");
      await emulator.ended;
    },
  };
}

function catalogOfMany(): CatalogInput {
  return {
    features: [{ id: "seats", displayName: "Seats", kind: "metered", meterType: "Fluctuating" }],
    plans: [{ id: "pro", entitlements: { seats: 10 } }],
    customers: Array.from({ length: CUSTOMERS }, (_, index) => ({ id: idOf(index), plan: "pro" })),
  };
}

function idOf(index: number): string {
  return `customer ${index}`;
}
