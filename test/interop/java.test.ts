import { expect } from "@jest/globals";
import { allOk, INTEROP_CHECKS, STORM_CHECKS } from "./catalog.js";
import { runClient } from "./client-report.js";
import { buildJavaProgram } from "./java-program.js";
import { sidecarForClient, sidecarWithOutbox } from "./sidecar-for-client.js";
import { findToolchain, itWith, tell } from "./toolchain.js";
import { directoryForFile } from "./workspace.js";

const compiler = await findToolchain("A JDK", "javac", ["--release", "17", "-version"]);
const maven = await findToolchain("Maven", "mvn", ["--batch-mode", "--version"]);
const directory = await directoryForFile("java");
let built: Promise<readonly string[]> | undefined;

async function javaClient(): Promise<readonly string[]> {
  built ??= buildJavaProgram(directory);
  const program = await built;
  tell(`${compiler ?? ""}, ${maven?.split("\n")[0] ?? "Maven"}`);
  return program;
}

itWith(compiler, maven)("a Java client finds what the catalog says, in all twelve methods", async () => {
  const client = await javaClient();
  const report = await runClient("java", client, await sidecarForClient());
  expect(report).toStrictEqual(allOk(INTEROP_CHECKS));
});

itWith(compiler, maven)("a Java client finds the same with an outbox", async () => {
  const client = await javaClient();
  const report = await runClient("java", client, await sidecarWithOutbox());
  expect(report).toStrictEqual(allOk(INTEROP_CHECKS));
});

itWith(compiler, maven)("of 10,000 calls of a Java client, half of them cancelled, no other fails", async () => {
  const client = await javaClient();
  const report = await runClient("java", [...client, "storm"], await sidecarForClient());
  expect(report).toStrictEqual(allOk(STORM_CHECKS));
});
