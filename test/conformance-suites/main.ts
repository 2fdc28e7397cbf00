import { parseArgs } from "node:util";
import { probeToolchain } from "../interop/run-command.js";
import { runConnectSuite } from "./connect-suite.js";
import { runH2specSuites } from "./h2spec-suites.js";
import { downloadedNode, type NodeBinary, nodeBinary } from "./node-binary.js";
import { isGood, reportTable, type SuiteReport } from "./suite-report.js";

const NEWEST_NODE = 24;

/** Runs h2spec and the Connect conformance suite against the port, and prints what they found. @returns an exit code */
export async function checkConformance(argv: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...argv], options: { node: { type: "string", multiple: true } } });
  const go = await probeToolchain("go", ["version"]);
  if (go === undefined) {
    say(
      "SKIPPED: Go is not installed here (`go version` fails), so neither h2spec nor the Connect conformance suite can be built. Nothing was checked.",
    );
    return 0;
  }
  const nodes = await Promise.all(
    values.node?.map(nodeBinary) ?? [nodeBinary(process.execPath), downloadedNode(NEWEST_NODE)],
  );
  say(`${go}; servers on Node ${nodes.map(({ version }) => version).join(" and ")}`);
  const reports: SuiteReport[] = [];
  for (const node of nodes) reports.push(...(await suitesOn(node)));
  say(reportTable(reports));
  return reports.every(isGood) ? 0 : 1;
}

async function suitesOn(node: NodeBinary): Promise<readonly SuiteReport[]> {
  return [...(await runH2specSuites(node)), await runConnectSuite(node)];
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
