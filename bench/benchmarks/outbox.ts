import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SystemClock } from "../../src/adapters/ops/system-clock.js";
import { DirectoryDisk } from "../../src/adapters/outbox/outbox-disk.js";
import { OUTBOX_DEFAULTS, SegmentedOutbox } from "../../src/adapters/outbox/segmented-outbox.js";
import type { Benchmark, Row } from "../benchmark.js";
import type { Lab } from "../lab.js";
import type { LoadResult } from "../load/load-job.js";
import { type MeasuredServer, metricOf, startSidecar } from "../processes/server.js";
import { interleaved, median } from "../rounds.js";
import { Throughput } from "../throughput.js";
import { customerIdOf, featureIdOf, METERED_FEATURES } from "../world/customers.js";
import { CHECKS } from "./cached-checks.js";

const WANTED_PER_SECOND = 20_000;
const POWER_PER_SECOND = 2_000;
const PENDING = 1_000_000;
/** So that the outbox drains for as long as it is measured. */
const LIMITS = {
  USAGE_OUTBOX_MAX_BYTES: "4294967296",
  USAGE_BULKS_PER_MINUTE: "600",
  USAGE_REPORTS_PER_MINUTE: "3000",
};
const SILENT = { error: () => undefined, warn: () => undefined, info: () => undefined, debug: () => undefined };
const WINDOWS = 6;

/** Reports that are accepted on disk, over gRPC; and checks while a million of them are delivered. */
export const OUTBOX: Benchmark = {
  name: "outbox",
  title: "Reports to an outbox over gRPC, and checks while it drains",
  isExtra: true,
  async measure(lab) {
    return [...(await accepting(lab)), ...(await checkingWhileItDrains(lab))];
  },
};

async function accepting(lab: Lab): Promise<readonly Row[]> {
  const [ofProcess, ofPower] = [
    await report(lab, "process", WANTED_PER_SECOND),
    await report(lab, "power", POWER_PER_SECOND),
  ];
  const sync = syncTimes();
  const p99s = ofProcess.windows.map(({ p99 }) => p99);
  return [
    {
      what: `process: reports accepted, of ${WANTED_PER_SECOND} a second`,
      value: ofProcess.perSecond,
      unit: "per second",
      target: { atLeast: WANTED_PER_SECOND * 0.99 },
      note: share(ofProcess),
    },
    { what: "… p50", value: ofProcess.latency.p50, unit: "ms" },
    {
      what: `… p99, the median of ${WINDOWS} windows`,
      value: median(p99s),
      unit: "ms",
      target: { atMost: 1 },
      note: `of all ${ofProcess.latency.p99.toFixed(1)} ms; the load generator stood still for up to ${ofProcess.longestStallMs.toFixed(1)} ms`,
    },
    {
      what: `power: reports accepted, of ${POWER_PER_SECOND} a second`,
      value: ofPower.perSecond,
      unit: "per second",
      note: share(ofPower),
    },
    { what: "… p50", value: ofPower.latency.p50, unit: "ms", target: { atMost: 2 * sync.p50 } },
    { what: "… p99", value: ofPower.latency.p99, unit: "ms", target: { atMost: 2 * sync.p99 } },
    { what: "a sync of 8 kB on the same disk, p50", value: sync.p50, unit: "ms" },
    { what: "… p99", value: sync.p99, unit: "ms" },
  ];
}

function share({ serverCpuSeconds, seconds }: LoadResult): string {
  return `${(serverCpuSeconds / seconds).toFixed(2)} of the server's core`;
}

async function report(lab: Lab, durability: string, perSecond: number): Promise<LoadResult> {
  const directory = temporary();
  const server = await startSidecar(lab.node, await lab.upstream(), {
    USAGE_OUTBOX_DIR: directory,
    USAGE_DURABILITY: durability,
    ...LIMITS,
  });
  try {
    await lab.fill(server);
    return await lab.withFreshGenerator((generator) =>
      generator.run({
        protocol: "grpc",
        port: server.grpcPort,
        serverPid: server.child.pid,
        connections: 10,
        streams: 100,
        calls: ["usage"],
        keys: "zipf",
        customers: Math.min(1_000, lab.pace.customers),
        areAnswersDecoded: true,
        shape: {
          kind: "steady",
          perSecond,
          warmUpMs: lab.pace.firstWarmUpMs,
          windowMs: lab.pace.steadyMs / 20,
          windows: WINDOWS,
        },
      }),
    );
  } finally {
    await server.child.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The same checks, in turns, of a sidecar without an outbox and of one that delivers a million reports meanwhile. */
async function checkingWhileItDrains(lab: Lab): Promise<readonly Row[]> {
  const { rounds, customers, isSmoke } = lab.pace;
  const directory = temporary();
  const pending = isSmoke ? 10_000 : PENDING;
  await fillOutbox(directory, pending, customers);
  try {
    const plain = await lab.sidecar();
    const began = performance.now();
    const draining = await lab.ownedServer(
      startSidecar(lab.node, await lab.upstream(), {
        USAGE_OUTBOX_DIR: directory,
        USAGE_DURABILITY: "process",
        ...LIMITS,
      }),
    );
    const startMs = performance.now() - began;
    await lab.fill(draining);
    const before = await pendingOf(draining);
    const throughput = new Throughput<"plain" | "draining">(lab);
    const load = {
      protocol: "grpc",
      connections: 10,
      streams: 10,
      calls: CHECKS,
      keys: "zipf",
      customers,
      areAnswersDecoded: false,
    } as const;
    await interleaved(rounds * 2, [throughput.turn("plain", plain, load), throughput.turn("draining", draining, load)]);
    const after = await pendingOf(draining);
    return [
      {
        what: `start with ${pending.toLocaleString("en")} reports pending, of ${customers.toLocaleString("en")} customers`,
        value: startMs,
        unit: "ms",
        target: { atMost: 3_000 },
      },
      throughput.rate("plain", "checks of a sidecar without an outbox"),
      throughput.rate(
        "draining",
        "checks while an outbox drains",
        `${before.toLocaleString("en")} pending before, ${after.toLocaleString("en")} after`,
      ),
      throughput.ratio("draining", "plain", "… of those without", 0.95),
      throughput.generatorRow,
    ];
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const pendingOf = (server: MeasuredServer) => metricOf(server, "sidecar_outbox_pending_reports");

/** As a sidecar leaves it that could not deliver. */
async function fillOutbox(directory: string, count: number, customers: number): Promise<void> {
  const clock = new SystemClock();
  const outbox = new SegmentedOutbox(
    new DirectoryDisk(directory),
    { ...OUTBOX_DEFAULTS, durability: "process", maxBytes: 4e9 },
    clock,
    SILENT,
  );
  const features = METERED_FEATURES.map(featureIdOf);
  for (let first = 0; first < count; first += 1_000) {
    const at = clock.now();
    const items = Array.from({ length: 1_000 }, (_, i) => {
      const number = first + i;
      return outbox.state.reserve(
        {
          subject: { customerId: customerIdOf(number % customers) },
          featureId: features[number % features.length] ?? "",
          value: 1,
          updateBehavior: "DELTA",
          dimensions: new Map(),
          timestamp: at,
          idempotencyKey: `pending-${number}`,
          keyOrigin: "generated",
        },
        Infinity,
        at,
      );
    });
    await new Promise((resolve) => outbox.accept({ type: "usage-accepted", at, items }, resolve));
  }
  await outbox.close();
}

function temporary(): string {
  return mkdtempSync(join(process.env["OUTBOX_BENCH_DIR"] ?? tmpdir(), "outbox-bench-"));
}

function syncTimes(): { readonly p50: number; readonly p99: number } {
  const directory = temporary();
  const file = openSync(join(directory, "sync"), "w");
  const times = Array.from({ length: 500 }, () => {
    writeSync(file, Buffer.alloc(8_192));
    const began = performance.now();
    fdatasyncSync(file);
    return performance.now() - began;
  }).sort((a, b) => a - b);
  closeSync(file);
  rmSync(directory, { recursive: true });
  return { p50: times[250] ?? 0, p99: times[495] ?? 0 };
}
