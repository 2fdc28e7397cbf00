import type { Fault, FaultKind } from "./faults.js";
import { DEFAULTS, plannedFaults, Simulation, type SimulationOptions, type SimulationResult } from "./simulate.js";

export type { SimulationResult } from "./simulate.js";

const DAY_MS = 86_400_000;

const USAGE = `usage: npm run simulate -- --seed N [--days D | --minutes M] [--sidecars N] [--customers N] [--checks PER_SECOND] [--faults PER_HOUR] [--cache-services N]
  [--kind NAME]… [--only INDEX,…] [--shrink] [--history] [--json]\n`;

export function run(
  options: Partial<SimulationOptions> & Pick<SimulationOptions, "seed" | "lengthMs">,
): Promise<SimulationResult> {
  return new Simulation({ ...DEFAULTS, ...options }).run();
}

/**
 * The fewest faults, of those of a run that fails, with which it still breaks the same rule.
 */
export async function shrinkFaults(
  options: SimulationOptions,
  faults: readonly Fault[],
  rule: string,
  tell: (left: number) => void = () => undefined,
): Promise<readonly Fault[]> {
  const breaks = async (some: readonly Fault[]) =>
    (await new Simulation({ ...options, faults: some }).run()).violations.some((violation) => violation.rule === rule);
  let left = faults;
  for (let size = Math.ceil(left.length / 2); left.length > 0; size = Math.ceil(size / 2)) {
    for (let from = 0; from < left.length;) {
      const without = left.toSpliced(from, size);
      if (await breaks(without)) left = without;
      else from += size;
      tell(left.length);
    }
    if (size === 1) break;
  }
  return left;
}

/** @returns the exit code: 1 where something that must hold did not */
export async function main(args: readonly string[]): Promise<number> {
  const valueOf = (name: string) => (args.includes(name) ? args[args.indexOf(name) + 1] : undefined);
  const number = (name: string, otherwise: number) => Number(valueOf(name) ?? otherwise);
  const seed = number("--seed", Math.floor(globalThis.Math.random() * 2 ** 31));
  const lengthMs = args.includes("--minutes") ? number("--minutes", 0) * 60_000 : number("--days", 1) * DAY_MS;
  const kinds = args.flatMap((arg, index) => (arg === "--kind" ? [args[index + 1] as FaultKind] : []));
  const options: SimulationOptions = {
    seed,
    lengthMs,
    sidecars: number("--sidecars", DEFAULTS.sidecars),
    customers: number("--customers", DEFAULTS.customers),
    checksPerSecond: number("--checks", DEFAULTS.checksPerSecond),
    faultsPerHour: number("--faults", DEFAULTS.faultsPerHour),
    cacheServices: number("--cache-services", 0),
    ...(kinds.length === 0 ? {} : { kinds }),
    ...(args.includes("--history") ? { print: (line) => process.stdout.write(`${line}\n`) } : {}),
  };
  if (!Number.isInteger(seed) || !(lengthMs > 0)) {
    process.stderr.write(USAGE);
    return 64;
  }
  const only = valueOf("--only")
    ?.split(",")
    .filter((each) => each !== "")
    .map(Number);
  const began = globalThis.performance.now();
  const all = plannedFaults(options);
  const faults = only?.map((index) => all[index] as Fault);
  const result = await new Simulation({ ...options, faults }).run();
  const seconds = (globalThis.performance.now() - began) / 1_000;
  if (args.includes("--json"))
    process.stdout.write(`${JSON.stringify({ ...result, tallies: Object.fromEntries(result.tallies), seconds })}\n`);
  else tell(options, result, seconds);
  const [first] = result.violations;
  if (first === undefined) return 0;
  if (args.includes("--shrink")) {
    const left = await shrinkFaults(options, result.faults, first.rule, (count) =>
      process.stderr.write(`${count} faults left\n`),
    );
    for (const { kind, at, lasts, target } of left)
      process.stdout.write(`  at ${at} ms: ${kind} of sidecar ${target} for ${lasts} ms\n`);
    process.stdout.write(
      `${commandOf(
        options,
        args,
        left.map((fault) => all.indexOf(fault)),
      )}\n`,
    );
  } else if (!args.includes("--json")) process.stdout.write(`${commandOf(options, args, only)}\n`);
  return 1;
}

function tell(
  { seed, lengthMs, sidecars, customers }: SimulationOptions,
  { digest, lines, events, faults, violations, tallies, reports, messages }: SimulationResult,
  seconds: number,
): void {
  const out = (text: string) => process.stdout.write(`${text}\n`);
  out(
    `seed ${seed}: ${lengthMs / DAY_MS} days of ${sidecars} sidecars and ${customers} customers in ${seconds.toFixed(1)} s; ${events} events, ${faults.length} faults, ${lines} lines of history, digest ${digest}`,
  );
  for (const [name, { checks, fallbacks, wrongDenials, wrongGrants, longestWrongGrantMs, slowestMs }] of [
    ...tallies,
  ].sort(([a], [b]) => (a < b ? -1 : 1))) {
    out(
      `  ${name.padEnd(22)} ${checks} checks, ${fallbacks} fallbacks, ${wrongDenials} wrong denials, ${wrongGrants} wrong grants (longest ${Math.round(longestWrongGrantMs)} ms), slowest answer ${Math.round(slowestMs)} ms`,
    );
  }
  out(`  reports: ${JSON.stringify(reports)}`);
  if (messages.sent > 0) out(`  messages of the queue: ${JSON.stringify(messages)}`);
  for (const { rule, at, what } of violations.slice(0, 20)) out(`BROKEN ${rule} at ${Math.round(at)} ms: ${what}`);
  if (violations.length > 20) out(`… and ${violations.length - 20} more`);
}

function commandOf(
  { seed, lengthMs, sidecars, customers, checksPerSecond, faultsPerHour, cacheServices = 0 }: SimulationOptions,
  args: readonly string[],
  only: readonly number[] | undefined,
): string {
  const kinds = args.flatMap((arg, index) => (arg === "--kind" ? [`--kind ${args[index + 1] ?? ""}`] : []));
  return [
    `npm run simulate -- --seed ${seed} --minutes ${lengthMs / 60_000} --sidecars ${sidecars} --customers ${customers} --checks ${checksPerSecond} --faults ${faultsPerHour}`,
    ...(cacheServices === 0 ? [] : [`--cache-services ${cacheServices}`]),
    ...kinds,
    ...(only === undefined ? [] : [`--only ${only.join(",")},`]),
  ].join(" ");
}

export { planFaults } from "./faults.js";
