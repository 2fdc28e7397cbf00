import { expect, it } from "vitest";
import { INTEROP_CHECKS } from "./catalog.js";
import { runClient } from "./client-report.js";
import { buildJavaProgram } from "./java-program.js";
import { sidecarForClient } from "./sidecar-for-client.js";
import { requireToolchain, tell } from "./toolchain.js";
import { temporaryDirectory } from "./workspace.js";

it("a Java client finds what the catalog says, in all twelve methods", async (context) => {
  const compiler = await requireToolchain(context, "A JDK", "javac", ["--release", "17", "-version"]);
  const maven = await requireToolchain(context, "Maven", "mvn", ["--batch-mode", "--version"]);
  const directory = await temporaryDirectory(context, "java");
  const program = await buildJavaProgram(directory);
  tell(`${compiler}, ${maven.split("\n")[0] ?? "Maven"}`);
  const address = await sidecarForClient(context);
  const report = await runClient("java", program, address);
  expect(report).toStrictEqual(INTEROP_CHECKS.map((check) => ({ check, ok: true })));
});
