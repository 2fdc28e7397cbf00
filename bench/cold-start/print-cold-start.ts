import { availableParallelism, loadavg } from "node:os";
import type { KeyDistribution } from "../load/key-sequence.js";
import { goBeforeOthers } from "../processes/precedence.js";
import { type ColdStartMode, CUSTOMERS, measureColdStart, SECONDS, startOthers } from "./measure-cold-start.js";

const RATES = [1_000, 2_500, 5_000, 10_000, 20_000];
const KEYS: readonly KeyDistribution[] = ["zipf", "uniform"];

/** Prints as Markdown: a sidecar starts, and gets checks from then on at a steady rate, whatever becomes of them. */
export async function printColdStart(mode: ColdStartMode, rates: readonly number[]): Promise<void> {
  const goesBefore = goBeforeOthers();
  const load = loadavg().map((value) => value.toFixed(1));
  print(
    `Node ${process.version}, ${availableParallelism()} processors, load ${load.join(" ")}${goesBefore ? ", before all else" : ""}; ${CUSTOMERS} customers of 20 entitlements, ${SECONDS} s each`,
  );
  print(
    "| checks/s | customers | memory | redis | upstream | made up | in second | asked upstream | p50 ms | p99 ms | longest ms | all is well from second |",
  );
  print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
  const others = await startOthers(mode);
  try {
    for (const perSecond of rates.length > 0 ? rates : RATES)
      for (const keys of KEYS) {
        const figures = await measureColdStart(others, { perSecond, keys, seconds: SECONDS });
        const { memory, redis, upstream, madeUp, madeUpBySecond, askedUpstream, latency } = figures;
        print(
          `| ${perSecond} | ${keys} | ${memory} | ${redis} | ${upstream} | ${madeUp} | ${secondsOf(madeUpBySecond)} | ${askedUpstream} | ${latency.p50.toFixed(1)} | ${latency.p99.toFixed(1)} | ${latency.max.toFixed(0)} | ${figures.wellFromSecond ?? "never"} |`,
        );
      }
  } finally {
    await others.stop();
  }
}

/** The first and the last in which any were made up, counted from 0. */
function secondsOf(madeUp: readonly number[]): string {
  const first = madeUp.findIndex((count) => count > 0);
  const last = madeUp.findLastIndex((count) => count > 0);
  if (first < 0) return "";
  return first === last ? String(first) : `${first} to ${last}`;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
