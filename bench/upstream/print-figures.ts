import { availableParallelism, loadavg } from "node:os";
import { measureChangeDelay } from "./change-delay.js";
import { measureCutStream, type Phase } from "./cut-stream.js";
import { inMs } from "./latencies.js";

/** Measures, and prints as Markdown. What the machine does besides belongs to the figures. */
export async function printFigures(): Promise<void> {
  printMachine();
  const delays = await measureChangeDelay();
  print(
    `From a change of the catalog until a check tells it, over ${delays.count} changes: ` +
      `p50 ${inMs(delays.percentile(0.5))} ms, p99 ${inMs(delays.percentile(0.99))} ms, longest ${inMs(delays.percentile(1))} ms`,
  );
  printMachine();
  const { phases, maxConcurrent } = await measureCutStream();
  print(
    "| 500 checks a second, 10,000 customers cached, upstream 50 ms away | checks | p50 ms | p99 ms | longest ms | fetches | answers |",
  );
  print("| --- | --- | --- | --- | --- | --- | --- |");
  for (const phase of phases) print(rowOf(phase));
  print(`Upstream never had more than ${maxConcurrent} requests at the same time.`);
  printMachine();
}

function rowOf({ name, latencies, sources, fetches }: Phase): string {
  const times = [0.5, 0.99, 1].map((share) => inMs(latencies.percentile(share)));
  const answers = [...sources].map(([source, count]) => `${source} ${count}`).join(", ");
  return `| ${[name, latencies.count, ...times, fetches, answers].join(" | ")} |`;
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
