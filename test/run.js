/**
 * `node test/run.js [project …] [-- options of jest]`: runs the projects of tests one after another, all of them unless told.
 *
 * TEST_SEED      what properties and random faults draw from: a number, or "random"; else the same in each run
 * TEST_REPORTS   a folder: what jest counted is written there, as JSON, a file a project
 * TEST_COVERAGE  a folder: what the unit project reaches of the domain and the use cases is written there
 */
import { spawnSync } from "node:child_process";
import { randomInt } from "node:crypto";
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { provision } from "./support/provision.js";

const JEST = createRequire(import.meta.url).resolve("jest/bin/jest");
/** In the order of their runs. Those of the service need a core to serve and one to ask. */
const PROJECTS = {
  unit: { workers: availableParallelism(), timeoutMs: 60_000 },
  contract: { workers: 2, timeoutMs: 60_000 },
  service: { workers: 2, timeoutMs: 60_000 },
  interop: { workers: 2, timeoutMs: 900_000 },
};

const separator = process.argv.indexOf("--");
const ours = process.argv.slice(2, separator < 0 ? undefined : separator);
const forJest = separator < 0 ? [] : process.argv.slice(separator + 1);
const { positionals } = parseArgs({ args: ours, allowPositionals: true });
const unknown = positionals.filter((name) => !(name in PROJECTS));
if (unknown.length > 0) {
  process.stderr.write(
    `no such project of tests: ${unknown.join(", ")}; there are ${Object.keys(PROJECTS).join(", ")}\n`,
  );
  process.exit(2);
}
const chosen = Object.keys(PROJECTS).filter((name) => positionals.length === 0 || positionals.includes(name));

const seed = process.env.TEST_SEED === "random" ? String(randomInt(2 ** 31)) : process.env.TEST_SEED;
const environment = seed === undefined ? process.env : { ...process.env, TEST_SEED: seed };
const reports = process.env.TEST_REPORTS;
const coverage = process.env.TEST_COVERAGE;

provision(chosen);
const failed = chosen.filter((name) => {
  const { workers, timeoutMs } = PROJECTS[name];
  const report = reports === undefined ? [] : ["--json", `--outputFile=${join(reports, `${name}.json`)}`];
  const options = [
    `--selectProjects=${name}`,
    `--maxWorkers=${workers}`,
    `--testTimeout=${timeoutMs}`,
    "--passWithNoTests",
    ...report,
    ...(name === "unit" && coverage !== undefined ? coverageIn(coverage) : []),
    ...forJest,
  ];
  const { status } = spawnSync(
    process.execPath,
    ["--experimental-vm-modules", "--disable-warning=ExperimentalWarning", JEST, ...options],
    {
      stdio: "inherit",
      env: environment,
    },
  );
  return status !== 0;
});
if (failed.length > 0)
  process.stderr.write(
    `failed: ${failed.join(", ")}${seed === undefined ? "" : `; to repeat: TEST_SEED=${seed} node test/run.js ${failed.join(" ")}`}\n`,
  );
process.exitCode = failed.length > 0 ? 1 : 0;

function coverageIn(folder) {
  return [
    "--coverage",
    `--coverageDirectory=${folder}`,
    "--coverageReporters=text-summary",
    "--coverageReporters=json-summary",
  ];
}
