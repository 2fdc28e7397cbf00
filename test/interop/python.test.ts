import { expect, it } from "vitest";
import { INTEROP_CHECKS } from "./catalog.js";
import { runClient } from "./client-report.js";
import { preparePythonProgram } from "./python-program.js";
import { sidecarForClient } from "./sidecar-for-client.js";
import { requireToolchain, tell } from "./toolchain.js";
import { temporaryDirectory } from "./workspace.js";

const PROBE = "import ensurepip, platform, venv; print('Python', platform.python_version())";

it("a Python client finds what the catalog says, in all twelve methods", async (context) => {
  const version = await requireToolchain(context, "Python 3 with venv", "python3", ["-c", PROBE]);
  const directory = await temporaryDirectory(context, "python");
  const program = await preparePythonProgram(directory, version);
  tell(program.libraries);
  const address = await sidecarForClient(context);
  const report = await runClient(program.interpreter, [program.script], address, { env: program.env });
  expect(report).toStrictEqual(INTEROP_CHECKS.map((check) => ({ check, ok: true })));
});
