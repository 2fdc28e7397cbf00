import { tryCommand } from "../interop/run-command.js";
import { buildConnectProgram, SUITE_VERSION } from "./connect-program.js";
import type { NodeBinary } from "./node-binary.js";
import type { SuiteReport } from "./suite-report.js";

/** All that there are for the features that the port claims. */
const CASES = 5_286;

const TOTAL = /^Total cases: (\d+)$/m;
const OUTCOME = /^(\d+) passed, (\d+) failed/m;
/** "FAILED: name of the case:", and indented lines that say why. */
const FAILURE = /^FAILED: (.*\n(?:[ \t].*\n?)*)/gm;

/** Runs the Connect conformance suite against this project's listener on the given Node. @throws Error where it could not be run to its end */
export async function runConnectSuite(node: NodeBinary): Promise<SuiteReport> {
  const { executable, configuration, server } = await buildConnectProgram();
  const args = ["--mode", "server", "--conf", configuration, "--max-servers", "2", "--", node.binary, ...server];
  const { stdout, stderr } = await tryCommand(executable, args);
  const output = `${stdout}\n${stderr}`;
  const [, total] = TOTAL.exec(output) ?? [];
  const [, passed, failed] = OUTCOME.exec(output) ?? [];
  if (total === undefined || passed === undefined || failed === undefined) throw new Error(`the Connect conformance suite did not run to its end:\n${output}`);
  const failures = Array.from(output.matchAll(FAILURE), ([, failure = ""]) => failure.trimEnd());
  if (failures.length !== Number(failed)) throw new Error(`the Connect conformance suite counts ${failed} failures and names ${failures.length}:\n${output}`);
  return {
    suite: `Connect conformance ${SUITE_VERSION}`,
    node: node.version,
    cases: Number(total),
    passed: Number(passed),
    expectedCases: CASES,
    excused: [],
    failures,
  };
}
