import { type FleetSize, fleetSizeFrom } from "./fleet-size.js";
import { type SecondOfAnswers, SimulatedFleet } from "./simulated-fleet.js";

/** Seconds: until caches are as warm as they get, of the fault, and until all is over. */
const WARM = 60;
const FAULT = 60;
const AFTER = 60;
const REDIS_AWAY = 10;
const RESTARTED_SHARE = 0.1;
/** A second in which nothing is made up, and nobody waits for longer, is one in which all is well. */
const WELL_SECONDS = 0.25;

interface Scenario {
  readonly what: string;
  readonly begin: (fleet: SimulatedFleet, size: FleetSize) => void;
  /** How long the fault itself lasts. */
  readonly seconds: number;
}

const SCENARIOS: readonly Scenario[] = [
  { what: "upstream away", seconds: FAULT, begin: (fleet) => fleet.upstreamGoesDown(FAULT) },
  { what: "Redis lost, and back empty", seconds: REDIS_AWAY, begin: (fleet) => fleet.redisIsLost(REDIS_AWAY) },
  {
    what: "one in ten restarted at once",
    seconds: 0,
    begin: (fleet, { sidecars }) => fleet.sidecarsRestart(Math.ceil(sidecars * RESTARTED_SHARE)),
  },
];

/** Prints as Markdown what a fleet does before a fault, during it and after it. */
export function printFleet(argv: readonly string[]): void {
  const size = fleetSizeFrom(argv);
  print(
    Object.entries(size)
      .map(([name, value]) => `${name} ${String(value)}`)
      .join(", "),
  );
  for (const scenario of SCENARIOS) simulate(scenario, size);
}

function simulate({ what, seconds, begin }: Scenario, size: FleetSize): void {
  const fleet = new SimulatedFleet(size);
  fleet.run(WARM);
  begin(fleet, size);
  const endOfFault = WARM + seconds;
  const end = endOfFault + AFTER;
  let backlogGoneAt = WARM;
  for (let second = WARM + 1; second <= end; second++) {
    fleet.run(second);
    // What came within the last second is no backlog.
    if (fleet.backlog > size.changes) backlogGoneAt = second;
  }
  print(`\n**${what}** (${seconds} s)\n`);
  print(
    "| | upstream asked, a second: mean | peak | Redis node asked: mean | peak | made up | marked stale | older than upstream | by up to, s | longest wait, ms |",
  );
  print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
  phase("before", fleet, WARM - 10, WARM);
  if (seconds > 0) phase("meanwhile", fleet, WARM, endOfFault);
  phase("the first 10 s after", fleet, endOfFault, endOfFault + 10);
  phase("then", fleet, endOfFault + 10, end);
  const lastBad = fleet.seconds.findLastIndex(
    ({ made, longestWait }, second) =>
      second >= endOfFault && second < end && (isBad(made, fleet) || longestWait > WELL_SECONDS),
  );
  print(
    `\nAll is well ${lastBad < 0 ? 0 : lastBad + 1 - endOfFault} s after its end; every change has been dealt with after ${Math.max(0, backlogGoneAt - endOfFault)} s.`,
  );
}

/** As many as before the fault are not its doing. */
function isBad(made: number, { seconds }: SimulatedFleet): boolean {
  return made > (seconds[WARM - 1]?.made ?? 0) + 1;
}

function phase(name: string, fleet: SimulatedFleet, from: number, to: number): void {
  const all = fleet.seconds.slice(from, to);
  const answers = sumOf(all, "answers");
  const share = (field: "made" | "stale" | "older") => {
    const count = sumOf(all, field);
    return `${count} (${((100 * count) / answers).toFixed(4)} %)`;
  };
  const nodes = fleet.redis;
  const mean = nodes.reduce((sum, node) => sum + node.mean(from, to), 0) / nodes.length;
  const peak = Math.max(...nodes.map((node) => node.peak(from, to)));
  const longest = (field: "longestOlder" | "longestWait") => Math.max(...all.map((second) => second[field]));
  print(
    `| ${name} | ${Math.round(fleet.upstream.mean(from, to))} | ${fleet.upstream.peak(from, to)} | ${Math.round(mean)} | ${peak} | ${share("made")} | ${share("stale")} | ${share("older")} | ${longest("longestOlder").toFixed(1)} | ${Math.round(longest("longestWait") * 1_000)} |`,
  );
}

function sumOf(all: readonly SecondOfAnswers[], field: "answers" | "made" | "stale" | "older"): number {
  return all.reduce((sum, second) => sum + second[field], 0);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
