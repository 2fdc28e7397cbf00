import { availableParallelism, loadavg } from "node:os";
import { startRedis } from "../../test/builders/redis-servers.js";
import { inMs, type Latencies } from "../upstream/latencies.js";
import { measureWriteDelays } from "./write-delay.js";

/** Measures, and prints as Markdown. What the machine does besides belongs to the figures. */
export async function printFigures(): Promise<void> {
  printMachine();
  const server = await startRedis();
  try {
    print("| | from a write until | p50 ms | p99 ms | longest ms |");
    print("| --- | --- | --- | --- | --- |");
    for (const usages of [1, 20]) {
      const { written, invalidated, answered } = await measureWriteDelays(
        { kind: "server", host: server.host, port: server.port, db: 0 },
        usages,
      );
      printRow(usages, "its writer has Redis's reply", written);
      printRow(usages, "each of 4 sidecars answers no longer from what it had cached", invalidated);
      printRow(usages, "each of them answers from what was written", answered);
    }
    print("Writer and sidecars share one process, and each write waits for the one before to be known to all.");
  } finally {
    await server.stop();
  }
  printMachine();
}

function printRow(usages: number, what: string, latencies: Latencies): void {
  const times = [0.5, 0.99, 1].map((share) => inMs(latencies.percentile(share)));
  print(
    `| ${[`a state with ${usages} usage${usages === 1 ? "" : "s"}, ${latencies.count} times`, what, ...times].join(" | ")} |`,
  );
}

function printMachine(): void {
  print(
    `Node ${process.version}, ${availableParallelism()} processors, load ${loadavg()
      .map((load) => load.toFixed(1))
      .join(" ")}`,
  );
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
