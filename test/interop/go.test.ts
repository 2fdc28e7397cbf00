import { expect, it } from "vitest";
import { INTEROP_CHECKS } from "./catalog.js";
import { runClient } from "./client-report.js";
import { buildGoProgram } from "./go-program.js";
import { sidecarForClient } from "./sidecar-for-client.js";
import { requireToolchain, tell } from "./toolchain.js";
import { temporaryDirectory } from "./workspace.js";

it("a Go client finds what the catalog says, in all twelve methods", async (context) => {
  const version = await requireToolchain(context, "Go", "go", ["version"]);
  const directory = await temporaryDirectory(context, "go");
  const program = await buildGoProgram(directory);
  tell(`${version}, with ${program.stubs}`);
  const address = await sidecarForClient(context);
  const report = await runClient(program.executable, [], address);
  expect(report).toStrictEqual(INTEROP_CHECKS.map((check) => ({ check, ok: true })));
});
