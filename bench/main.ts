import type { Benchmark } from "./benchmark.js";
import { BENCHMARKS } from "./benchmarks/all-benchmarks.js";
import { type BenchOptions, BenchUsageError, parseCommandLine } from "./command-line.js";
import { Lab } from "./lab.js";
import { FULL, SMOKE } from "./pace.js";
import { goBeforeOthers } from "./processes/precedence.js";
import { defaultName, keep } from "./report/keep.js";
import { describeMachine } from "./report/machine.js";
import type { Measurement, Outcome } from "./report/measurement.js";
import { textTable } from "./report/text-table.js";

const EXIT_CODES = { ok: 0, failed: 1, usage: 2 } as const;

/**
 * Measures what was asked for, prints one table, and keeps the figures in bench/results.
 *
 * @returns the exit code: a target that is missed is a figure, what cannot be measured is a failure
 */
export async function main(argv: readonly string[]): Promise<number> {
  let options: BenchOptions;
  try {
    options = parseCommandLine(
      argv,
      BENCHMARKS.map(({ name }) => name),
    );
  } catch (error) {
    if (!(error instanceof BenchUsageError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return EXIT_CODES.usage;
  }
  const measurement = await measureAll(options);
  process.stdout.write(textTable(measurement));
  if (!options.isSmoke) {
    const files = await keep(measurement, options.resultName ?? defaultName(measurement));
    process.stderr.write(`kept in ${files.join(" and ")}\n`);
  }
  return measurement.outcomes.some(({ failure }) => failure !== undefined) ? EXIT_CODES.failed : EXIT_CODES.ok;
}

async function measureAll({ names, isSmoke, node }: BenchOptions): Promise<Measurement> {
  const machine = describeMachine(node, !isSmoke && goBeforeOthers());
  const lab = new Lab(isSmoke ? SMOKE : FULL, node);
  const outcomes: Outcome[] = [];
  try {
    for (const benchmark of BENCHMARKS) {
      if (isAsked(benchmark, names)) outcomes.push(await measureOne(benchmark, lab));
    }
  } finally {
    await lab.stop();
  }
  return { machine, isSmoke, outcomes };
}

function isAsked({ name, isExtra }: Benchmark, names: readonly string[]): boolean {
  return names.length === 0 ? isExtra !== true : names.includes(name);
}

async function measureOne(benchmark: Benchmark, lab: Lab): Promise<Outcome> {
  const begun = performance.now();
  const { name, title } = benchmark;
  process.stderr.write(`${name} …\n`);
  const outcome = (rows: Outcome["rows"], failure: string | undefined): Outcome => ({
    benchmark: { name, title },
    rows,
    failure,
    seconds: (performance.now() - begun) / 1_000,
  });
  try {
    return outcome(await benchmark.measure(lab), undefined);
  } catch (error) {
    process.stderr.write(`${name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    const [reason = ""] = (error instanceof Error ? error.message : String(error)).split("\n");
    return outcome([], reason);
  }
}
