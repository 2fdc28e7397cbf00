import { mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as elapse } from "node:timers/promises";
import { ServiceProcess } from "../../test/integration/service/service-process.js";
import { GrpcChecks } from "../upstream/grpc-checks.js";
import { Latencies } from "../upstream/latencies.js";
import { customerId, type Edit, writeCatalog } from "./generated-catalog.js";

/** Milliseconds and megabytes. */
export interface ReloadFigures {
  readonly customers: number;
  readonly edit: Edit;
  readonly startMs: number;
  readonly startedMb: number;
  readonly calmMs: number;
  readonly longestMs: number;
  readonly p99Ms: number;
  readonly seenMs: number;
  readonly endedMb: number;
  readonly peakMb: number;
}

const CHECK_EVERY_MS = 5;
const CHECKED_CUSTOMERS = 2_000;
const CALM_MS = 3_000;
const AFTER_MS = 3_000;
const EDITED_LIMIT = 4_711;
const SEEN_WITHIN_MS = 120_000;

/** One edit of a catalog of so many customers, while every 5 ms one of 2,000 of them is checked. */
export async function measureReload(customers: number, edit: Edit): Promise<ReloadFigures> {
  const folder = await mkdtemp(join(tmpdir(), "catalog-reload-"));
  const file = join(folder, "catalog.json");
  await writeCatalog(file, customers, "none");
  await writeCatalog(`${file}.next`, customers, edit);
  // Written long enough ago to be read at once.
  await elapse(1_000);
  const begunAt = performance.now();
  const service = new ServiceProcess(["serve"], {
    CATALOG_FILE: file,
    LISTEN_HOST: "127.0.0.1",
    GRPC_PORT: "0",
    METRICS_PORT: "0",
    SHUTDOWN_LINGER_MS: "0",
    START_MESSAGE: "json",
  });
  try {
    const { grpcPort } = await service.started();
    const startMs = performance.now() - begunAt;
    const { residentMb: startedMb } = await memoryOf(service.child.pid);
    const checks = new GrpcChecks(grpcPort, "seats");
    const count = Math.min(CHECKED_CUSTOMERS, customers);
    for (let index = 0; index < count; index++) await checks.check(customerId(index));
    const calm = await checkWhile(checks, count, elapse(CALM_MS));
    let seenMs = Number.NaN;
    const reload = async () => {
      await rename(`${file}.next`, file);
      const editedAt = performance.now();
      while ((await checks.check(customerId(0))).usageLimit !== EDITED_LIMIT) {
        if (performance.now() - editedAt > SEEN_WITHIN_MS) return;
        await elapse(CHECK_EVERY_MS);
      }
      seenMs = performance.now() - editedAt;
      await elapse(AFTER_MS);
    };
    const edited = await checkWhile(checks, count, reload());
    checks.close();
    const { residentMb: endedMb, peakMb } = await memoryOf(service.child.pid);
    return {
      customers,
      edit,
      startMs,
      startedMb,
      calmMs: calm.percentile(1),
      longestMs: edited.percentile(1),
      p99Ms: edited.percentile(0.99),
      seenMs,
      endedMb,
      peakMb,
    };
  } finally {
    service.child.kill("SIGKILL");
    await service.ended;
    await rm(folder, { recursive: true, force: true });
  }
}

async function checkWhile(checks: GrpcChecks, count: number, during: Promise<unknown>): Promise<Latencies> {
  const latencies = new Latencies();
  const over = new AbortController();
  void during.finally(() => over.abort());
  for (let index = 0; !over.signal.aborted; index = (index + 1) % count) {
    const askedAt = performance.now();
    await checks.check(customerId(index));
    latencies.add(performance.now() - askedAt);
    await elapse(CHECK_EVERY_MS);
  }
  await during;
  return latencies;
}

async function memoryOf(pid: number | undefined): Promise<{ readonly residentMb: number; readonly peakMb: number }> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  const mb = (field: string) =>
    Number(new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(status)?.[1] ?? Number.NaN) / 1_024;
  return { residentMb: mb("VmRSS"), peakMb: mb("VmHWM") };
}
