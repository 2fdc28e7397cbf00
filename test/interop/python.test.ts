import { expect, it, type TestContext } from "vitest";
import { allOk, INTEROP_CHECKS, STORM_CHECKS } from "./catalog.js";
import { runClient } from "./client-report.js";
import { preparePythonProgram, type PythonProgram } from "./python-program.js";
import { sidecarForClient } from "./sidecar-for-client.js";
import { requireToolchain, tell } from "./toolchain.js";
import { directoryForFile } from "./workspace.js";

const PROBE = "import ensurepip, platform, venv; print('Python', platform.python_version())";

const directory = await directoryForFile("python");
let prepared: Promise<PythonProgram> | undefined;

async function pythonClient(context: TestContext): Promise<PythonProgram> {
  const version = await requireToolchain(context, "Python 3 with venv", "python3", ["-c", PROBE]);
  prepared ??= preparePythonProgram(directory, version);
  const program = await prepared;
  tell(program.libraries);
  return program;
}

it("a Python client finds what the catalog says, in all twelve methods", async (context) => {
  const { interpreter, script, env } = await pythonClient(context);
  const report = await runClient(interpreter, [script], await sidecarForClient(context), { env });
  expect(report).toStrictEqual(allOk(INTEROP_CHECKS));
});

it("of 10,000 calls of a Python client, half of them cancelled, no other fails", async (context) => {
  const { interpreter, script, env } = await pythonClient(context);
  const report = await runClient(interpreter, [script, "storm"], await sidecarForClient(context), { env });
  expect(report).toStrictEqual(allOk(STORM_CHECKS));
});
