import { expect } from "@jest/globals";
import { allOk, INTEROP_CHECKS, STORM_CHECKS } from "./catalog.js";
import { runClient } from "./client-report.js";
import { preparePythonProgram, type PythonProgram } from "./python-program.js";
import { sidecarForClient, sidecarWithOutbox } from "./sidecar-for-client.js";
import { findToolchain, itWith, tell } from "./toolchain.js";
import { directoryForFile } from "./workspace.js";

const PROBE = "import ensurepip, platform, venv; print('Python', platform.python_version())";

const python = await findToolchain("Python 3 with venv", "python3", ["-c", PROBE]);
const directory = await directoryForFile("python");
let prepared: Promise<PythonProgram> | undefined;

async function pythonClient(): Promise<PythonProgram> {
  prepared ??= preparePythonProgram(directory, python ?? "");
  const program = await prepared;
  tell(program.libraries);
  return program;
}

itWith(python)("a Python client finds what the catalog says, in all twelve methods", async () => {
  const { interpreter, script, env } = await pythonClient();
  const report = await runClient(interpreter, [script], await sidecarForClient(), { env });
  expect(report).toStrictEqual(allOk(INTEROP_CHECKS));
});

itWith(python)("a Python client finds the same with an outbox", async () => {
  const { interpreter, script, env } = await pythonClient();
  const report = await runClient(interpreter, [script], await sidecarWithOutbox(), { env });
  expect(report).toStrictEqual(allOk(INTEROP_CHECKS));
});

itWith(python)("of 10,000 calls of a Python client, half of them cancelled, no other fails", async () => {
  const { interpreter, script, env } = await pythonClient();
  const report = await runClient(interpreter, [script, "storm"], await sidecarForClient(), { env });
  expect(report).toStrictEqual(allOk(STORM_CHECKS));
});
