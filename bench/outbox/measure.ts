import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { SystemClock } from "../../src/adapters/ops/system-clock.js";
import { DirectoryDisk } from "../../src/adapters/outbox/outbox-disk.js";
import { OUTBOX_DEFAULTS, SegmentedOutbox } from "../../src/adapters/outbox/segmented-outbox.js";
import { AcceptReports } from "../../src/application/report/accept-reports.js";
import { DeliverReports } from "../../src/application/report/deliver-reports.js";
import { DELIVERY_LIMITS } from "../../src/application/report/delivery-pace.js";
import type { UsageReport } from "../../src/domain/usage/usage-report.js";
import type { Durability } from "../../src/ports/outbox.js";
import type { UpstreamClient } from "../../src/ports/upstream-client.js";

const SILENT = { error: () => undefined, warn: () => undefined, info: () => undefined, debug: () => undefined };
const CLOCK = new SystemClock();
const NO_CACHE = { peek: () => undefined } as never;

function open(directory: string, durability: Durability): SegmentedOutbox {
  return new SegmentedOutbox(
    new DirectoryDisk(directory),
    { ...OUTBOX_DEFAULTS, durability, maxBytes: 1e10 },
    CLOCK,
    SILENT,
  );
}

function report(i: number, subjects: number): UsageReport {
  return {
    subject: { customerId: `customer-${i % subjects}` },
    featureId: "api-calls",
    value: 1,
    updateBehavior: "DELTA",
    dimensions: new Map(),
    timestamp: undefined,
    idempotencyKey: `4f9d2c1e-77aa-4b0e-9d2f-${String(i).padStart(12, "0")}`,
    keyOrigin: "generated",
  };
}

function percentile(sorted: readonly number[], share: number): string {
  return (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0).toFixed(3);
}

/** So many reports a second for so long, a millisecond's share in each turn; 0: as many as go. */
async function accepting(
  directory: string,
  durability: Durability,
  perSecond: number,
  seconds: number,
): Promise<string> {
  const outbox = open(directory, durability);
  const accept = new AcceptReports(outbox, NO_CACHE, CLOCK, () => undefined);
  const times: number[] = [];
  const began = performance.now();
  let sent = 0;
  let waiting = 0;
  for (let elapsed = 0; elapsed < seconds * 1_000; elapsed = performance.now() - began) {
    const due = perSecond === 0 ? sent + (waiting < 1_000 ? 100 : 0) : Math.floor((elapsed / 1_000) * perSecond);
    for (; sent < due; sent++) {
      const at = performance.now();
      waiting++;
      void accept.report(report(sent, 1_000)).then(() => {
        waiting--;
        times.push(performance.now() - at);
      });
    }
    await turn();
  }
  while (waiting > 0) await turn();
  const took = (performance.now() - began) / 1_000;
  await outbox.close();
  times.sort((a, b) => a - b);
  return `${durability}: ${Math.round(times.length / took).toLocaleString("en")} reports/s (${perSecond === 0 ? "as many as go" : `${perSecond.toLocaleString("en")} wanted`}), p50 ${percentile(times, 0.5)} ms, p99 ${percentile(times, 0.99)} ms`;
}

function syncTimes(directory: string): string {
  const file = openSync(join(directory, "sync"), "w");
  const times = Array.from({ length: 300 }, () => {
    writeSync(file, Buffer.alloc(8_192));
    const at = performance.now();
    fdatasyncSync(file);
    return performance.now() - at;
  }).sort((a, b) => a - b);
  closeSync(file);
  return `fdatasync of 8 kB on this disk: p50 ${percentile(times, 0.5)} ms, p99 ${percentile(times, 0.99)} ms`;
}

async function starting(directory: string, subjects: number): Promise<string> {
  const outbox = open(directory, "process");
  const items = 1_000_000;
  for (let i = 0; i < items; i += 1_000) {
    const at = CLOCK.now();
    const reserved = Array.from({ length: 1_000 }, (_, j) =>
      outbox.state.reserve({ ...report(i + j, subjects), timestamp: at }, Infinity, at),
    );
    await new Promise((resolve) => outbox.accept({ type: "usage-accepted", at, items: reserved }, resolve));
  }
  await outbox.close();
  const began = performance.now();
  const cpu = process.cpuUsage();
  const again = open(directory, "process");
  const took = performance.now() - began;
  const used = process.cpuUsage(cpu);
  const { pending } = again.state;
  await again.close();
  return `start with ${pending.toLocaleString("en")} pending reports of ${subjects.toLocaleString("en")} subjects: ${(took / 1_000).toFixed(2)} s (${((used.user + used.system) / 1e6).toFixed(2)} s of a processor)`;
}

/** What reaches upstream of 5,000 reports a second of 1,000 subjects, with 50 ms for each request. */
async function coalescing(directory: string, seconds: number): Promise<string> {
  const outbox = open(directory, "process");
  let calls = 0;
  let shown = 0;
  const answered = <T>(value: T) => new Promise<T>((resolve) => setTimeout(resolve, 50, value));
  const upstream: UpstreamClient = {
    fetchState: () => Promise.resolve(undefined),
    reportUsage: () => {
      calls++;
      shown++;
      return answered({} as never);
    },
    reportUsageBulk: (reports) => {
      calls++;
      shown += reports.length;
      return answered(reports.map(() => ({})) as never);
    },
    reportEvents: () => Promise.resolve(),
  };
  const deliver = new DeliverReports({
    outbox,
    upstream,
    clock: CLOCK,
    logger: SILENT,
    limits: DELIVERY_LIMITS,
    remember: () => Promise.resolve(),
    isUpstreamDown: () => false,
    random: Math.random,
  });
  const accept = new AcceptReports(outbox, NO_CACHE, CLOCK, () => deliver.wake());
  deliver.start();
  const began = performance.now();
  let sent = 0;
  for (let elapsed = 0; elapsed < seconds * 1_000; elapsed = performance.now() - began) {
    for (const due = Math.floor((elapsed / 1_000) * 5_000); sent < due; sent++) void accept.report(report(sent, 1_000));
    await turn();
  }
  await deliver.stop();
  const text = `5,000 reports/s of 1,000 subjects for ${seconds} s: ${sent.toLocaleString("en")} accepted, ${calls} calls (${Math.round((calls / seconds) * 60)} a minute), ${shown} entries told, ${outbox.state.pending} pending`;
  await outbox.close();
  return text;
}

async function inDirectory(work: (directory: string) => Promise<string> | string): Promise<void> {
  const directory = mkdtempSync(join(process.env["OUTBOX_BENCH_DIR"] ?? tmpdir(), "outbox-bench-"));
  try {
    process.stdout.write(`${await work(directory)}\n`);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

await inDirectory(syncTimes);
for (const durability of ["process", "power"] as const) {
  await inDirectory((directory) => accepting(directory, durability, 20_000, 5));
  await inDirectory((directory) => accepting(directory, durability, 0, 3));
}
await inDirectory((directory) => coalescing(directory, 15));
await inDirectory((directory) => starting(directory, 1_000));
await inDirectory((directory) => starting(directory, 1_000_000));
process.exit(0);
