import { expect, it, type TestContext } from "vitest";
import { allOk, INTEROP_CHECKS, STORM_CHECKS } from "./catalog.js";
import { runClient } from "./client-report.js";
import { buildJavaProgram } from "./java-program.js";
import { sidecarForClient } from "./sidecar-for-client.js";
import { requireToolchain, tell } from "./toolchain.js";
import { directoryForFile } from "./workspace.js";

const directory = await directoryForFile("java");
let built: Promise<readonly string[]> | undefined;

async function javaClient(context: TestContext): Promise<readonly string[]> {
  const compiler = await requireToolchain(context, "A JDK", "javac", ["--release", "17", "-version"]);
  const maven = await requireToolchain(context, "Maven", "mvn", ["--batch-mode", "--version"]);
  built ??= buildJavaProgram(directory);
  const program = await built;
  tell(`${compiler}, ${maven.split("\n")[0] ?? "Maven"}`);
  return program;
}

it("a Java client finds what the catalog says, in all twelve methods", async (context) => {
  const client = await javaClient(context);
  const report = await runClient("java", client, await sidecarForClient(context));
  expect(report).toStrictEqual(allOk(INTEROP_CHECKS));
});

it("of 10,000 calls of a Java client, half of them cancelled, no other fails", async (context) => {
  const client = await javaClient(context);
  const report = await runClient("java", [...client, "storm"], await sidecarForClient(context));
  expect(report).toStrictEqual(allOk(STORM_CHECKS));
});
