import { expect, it, type TestContext } from "vitest";
import { allOk, INTEROP_CHECKS, STORM_CHECKS } from "./catalog.js";
import { runClient } from "./client-report.js";
import { buildGoProgram, type GoProgram } from "./go-program.js";
import { sidecarForClient } from "./sidecar-for-client.js";
import { requireToolchain, tell } from "./toolchain.js";
import { directoryForFile } from "./workspace.js";

const directory = await directoryForFile("go");
let built: Promise<GoProgram> | undefined;

async function goClient(context: TestContext): Promise<string> {
  const version = await requireToolchain(context, "Go", "go", ["version"]);
  built ??= buildGoProgram(directory);
  const program = await built;
  tell(`${version}, with ${program.stubs}`);
  return program.executable;
}

it("a Go client finds what the catalog says, in all twelve methods", async (context) => {
  const client = await goClient(context);
  const report = await runClient(client, [], await sidecarForClient(context));
  expect(report).toStrictEqual(allOk(INTEROP_CHECKS));
});

it("of 10,000 calls of a Go client, half of them cancelled, no other fails", async (context) => {
  const client = await goClient(context);
  const report = await runClient(client, ["storm"], await sidecarForClient(context));
  expect(report).toStrictEqual(allOk(STORM_CHECKS));
});
