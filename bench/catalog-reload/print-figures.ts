import { availableParallelism, loadavg } from "node:os";
import { inMs } from "../upstream/latencies.js";
import type { Edit } from "./generated-catalog.js";
import { measureReload, type ReloadFigures } from "./measure-reload.js";

const EDITS: readonly Edit[] = ["plan", "customer", "grant"];
const CUSTOMERS = [10_000, 100_000, 1_000_000];

/** Measures, and prints as Markdown. What the machine does besides belongs to the figures. */
export async function printFigures(customers: readonly number[]): Promise<void> {
  print(
    `Node ${process.version}, ${availableParallelism()} processors, load ${loadavg()
      .map((load) => load.toFixed(1))
      .join(" ")}`,
  );
  print(
    "| customers | edit | start ms | MB then | longest check before, ms | longest check, ms | p99 ms | seen after ms | MB at the end | MB at most |",
  );
  print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
  for (const count of customers.length === 0 ? CUSTOMERS : customers)
    for (const edit of EDITS) print(rowOf(await measureReload(count, edit)));
}

function rowOf(figures: ReloadFigures): string {
  const { customers, edit, startMs, startedMb, calmMs, longestMs, p99Ms, seenMs, endedMb, peakMb } = figures;
  return `| ${[customers.toLocaleString("en"), edit, inMs(startMs), inMs(startedMb), inMs(calmMs), inMs(longestMs), inMs(p99Ms), inMs(seenMs), inMs(endedMb), inMs(peakMb)].join(" | ")} |`;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
