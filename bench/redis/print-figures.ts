import { availableParallelism, loadavg } from "node:os";
import { startRedis } from "../../test/builders/redis-servers.js";
import { inMs } from "../upstream/latencies.js";
import { measureWriteDelays } from "./write-delay.js";

/** Measures, and prints as Markdown. What the machine does besides belongs to the figures. */
export async function printFigures(): Promise<void> {
  printMachine();
  const server = await startRedis();
  try {
    const { written, told, answered } = await measureWriteDelays({ kind: "server", host: server.host, port: server.port, db: 0 });
    print("| from a write of a state with 20 usages until | p50 ms | p99 ms | longest ms |");
    print("| --- | --- | --- | --- |");
    const rows = [
      ["its writer has Redis's reply", written],
      ["each of 4 sidecars answers no longer from what it had at hand", told],
      ["each of them answers from what was written", answered],
    ] as const;
    for (const [what, latencies] of rows) print(`| ${[what, ...[0.5, 0.99, 1].map((share) => inMs(latencies.percentile(share)))].join(" | ")} |`);
    print(`${written.count} writes, one after the other; writer and sidecars share one process.`);
  } finally {
    await server.stop();
  }
  printMachine();
}

function printMachine(): void {
  print(`Node ${process.version}, ${availableParallelism()} processors, load ${loadavg().map((load) => load.toFixed(1)).join(" ")}`);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
