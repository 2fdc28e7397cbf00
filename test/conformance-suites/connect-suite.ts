import { tryCommand } from "../interop/run-command.js";
import { buildConnectProgram, type ConnectProgram, SUITE_VERSION } from "./connect-program.js";
import type { NodeBinary } from "./node-binary.js";
import type { SuiteReport } from "./suite-report.js";

/** All that there are for the features that the port claims. */
const CASES = 5_286;

const TOTAL = /^Total cases: (\d+)$/m;
const OUTCOME = /^(\d+) passed, (\d+) failed/m;
/** "FAILED: name of the case:", and indented lines that say why. */
const FAILURE = /^FAILED: (.*\n(?:[ \t].*\n?)*)/gm;

/** Failures that a machine with too much to do makes by itself. */
const BY_TIME = /timed out waiting|echoed back a timeout|CODE_DEADLINE_EXCEEDED|deadline exceeded/;
const MOST_TRIED_AGAIN = 100;

interface SuiteRun {
  readonly cases: number;
  /** The name of each case, a colon, and why. */
  readonly failures: readonly string[];
}

/**
 * Runs the Connect conformance suite against this project's listener on the given Node. What failed by time is run once more.
 *
 * @throws Error where it could not be run to its end
 */
export async function runConnectSuite(node: NodeBinary): Promise<SuiteReport> {
  const program = await buildConnectProgram();
  const first = await runOnce(program, node, []);
  const late = first.failures.filter((failure) => BY_TIME.test(failure));
  const isWorthIt = late.length > 0 && late.length <= MOST_TRIED_AGAIN;
  const again = isWorthIt ? await runOnce(program, node, late.map(nameOf)) : { failures: late };
  const failures = [...first.failures.filter((failure) => !late.includes(failure)), ...again.failures];
  return {
    suite: `Connect conformance ${SUITE_VERSION}`,
    node: node.version,
    cases: first.cases,
    passed: first.cases - failures.length,
    expectedCases: CASES,
    excused: [],
    failures,
  };
}

/** @param names the cases to be run; none: all */
async function runOnce(
  { executable, configuration, server }: ConnectProgram,
  node: NodeBinary,
  names: readonly string[],
): Promise<SuiteRun> {
  const only = names.flatMap((name) => ["--run", name]);
  const args = [
    "--mode",
    "server",
    "--conf",
    configuration,
    "--max-servers",
    "2",
    ...only,
    "--",
    node.binary,
    ...server,
  ];
  const { stdout, stderr } = await tryCommand(executable, args);
  const output = `${stdout}\n${stderr}`;
  const [, total] = TOTAL.exec(output) ?? [];
  const [, , failed] = OUTCOME.exec(output) ?? [];
  if (total === undefined || failed === undefined)
    throw new Error(`the Connect conformance suite did not run to its end:\n${output}`);
  const failures = Array.from(output.matchAll(FAILURE), ([, failure = ""]) => failure.trimEnd());
  if (failures.length !== Number(failed))
    throw new Error(`the Connect conformance suite counts ${failed} failures and names ${failures.length}:\n${output}`);
  return { cases: Number(total), failures };
}

function nameOf(failure: string): string {
  return (failure.split("\n")[0] ?? "").replace(/:$/, "");
}
