import { mkdir, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { REPO } from "../processes/child.js";
import { barChart } from "./bar-chart.js";
import type { Measurement } from "./measurement.js";

const RESULTS = resolve(REPO, "bench/results");
/** The benchmark that the README shows. */
const SHOWN = "checks-10x10";

/**
 * Keeps a measurement as JSON and, where it holds the checks, as a chart.
 *
 * @returns the files that were written
 */
export async function keep(measurement: Measurement, name: string): Promise<readonly string[]> {
  await mkdir(RESULTS, { recursive: true });
  const json = resolve(RESULTS, `${name}.json`);
  await writeFile(json, `${JSON.stringify(measurement, undefined, 2)}\n`);
  const shown = measurement.outcomes.find(
    ({ benchmark, failure }) => benchmark.name === SHOWN && failure === undefined,
  );
  if (shown === undefined) return [json];
  const { machine } = measurement;
  const chart = resolve(RESULTS, `${name}.svg`);
  const svg = barChart({
    title: `${shown.benchmark.title}: answers a second`,
    footnote: `Node ${machine.node} on one core of an ${machine.processor}, ${machine.date.slice(0, 10)}`,
    rows: shown.rows.filter(({ unit }) => unit === "per second"),
    ownName: "entitlement-sidecar",
  });
  await writeFile(chart, svg);
  return [json, chart];
}

/** By date and Node's version, so that runs of one day on two Nodes stand side by side. */
export function defaultName({ machine }: Measurement): string {
  return `${machine.date.slice(0, 10)}-node-${/\d+/.exec(machine.node)?.[0] ?? "unknown"}`;
}
