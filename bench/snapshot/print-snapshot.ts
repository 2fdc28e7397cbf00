import { mkdtempSync, rmSync, statSync } from "node:fs";
import { availableParallelism, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { MemoryCache } from "../../src/adapters/cache/memory/memory-cache.js";
import { CachedStates } from "../../src/adapters/cache/snapshot/cached-states.js";
import { SystemClock } from "../../src/adapters/ops/system-clock.js";
import { SnapshotFile } from "../../src/adapters/snapshot/snapshot-file.js";
import { newTelemetry } from "../../src/ports/telemetry.js";
import { RecordingLogger } from "../../test/fakes/recording-logger.js";
import { missedState } from "../misses/miss-world.js";

const NS_PER_MS = 1e6;

/** Prints as Markdown: processor time beside time that passed, since other work on the machine changes the one less than the other. */
export async function printSnapshot(customers: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "snapshot-"));
  const file = join(folder, "states");
  const open = () => {
    const cache = new MemoryCache(3 * 1024 * 1024 * 1024, newTelemetry());
    return {
      cache,
      snapshot: new SnapshotFile({
        file,
        environment: Buffer.alloc(8),
        states: new CachedStates(cache),
        clock: new SystemClock(),
        logger: new RecordingLogger(),
      }),
    };
  };
  print(
    `Node ${process.version}, ${availableParallelism()} processors, load ${loadavg()
      .map((load) => load.toFixed(1))
      .join(" ")}`,
  );
  print(
    `| ${customers} customers of 20 entitlements | time, ms | processor time, ms | longest turn of the event loop, ms |`,
  );
  print("| --- | --- | --- | --- |");
  try {
    const first = open();
    await first.snapshot.load();
    for (let customer = 0; customer < customers; customer++) {
      first.cache.keep(
        { customerId: `customer-${customer}` },
        { state: missedState(customer), verifiedAt: Date.now(), recheckAt: Infinity, isVerified: true },
      );
    }
    await measured("written", () => first.snapshot.written());
    await first.snapshot.close();
    print(`| (a file of ${Math.round(statSync(file).size / 1e6)} MB) | | | |`);
    const second = open();
    await measured("read", () => second.snapshot.load());
    if (second.cache.size.subjects !== customers)
      throw new Error(`${second.cache.size.subjects} of ${customers} were read`);
    await second.snapshot.close();
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function measured(what: string, work: () => Promise<unknown>): Promise<void> {
  const delays = monitorEventLoopDelay({ resolution: 1 });
  delays.enable();
  const [startedAt, cpuBefore] = [performance.now(), process.cpuUsage()];
  await work();
  const cpu = process.cpuUsage(cpuBefore);
  print(
    `| ${what} | ${Math.round(performance.now() - startedAt)} | ${Math.round((cpu.user + cpu.system) / 1_000)} | ${(delays.max / NS_PER_MS).toFixed(1)} |`,
  );
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
