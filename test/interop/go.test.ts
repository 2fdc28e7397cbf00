import { expect } from "@jest/globals";
import { allOk, INTEROP_CHECKS, STORM_CHECKS } from "./catalog.js";
import { runClient } from "./client-report.js";
import { buildGoProgram, type GoProgram } from "./go-program.js";
import { sidecarForClient, sidecarWithOutbox } from "./sidecar-for-client.js";
import { findToolchain, itWith, tell } from "./toolchain.js";
import { directoryForFile } from "./workspace.js";

const go = await findToolchain("Go", "go", ["version"]);
const directory = await directoryForFile("go");
let built: Promise<GoProgram> | undefined;

async function goClient(): Promise<string> {
  built ??= buildGoProgram(directory);
  const program = await built;
  tell(`${go ?? ""}, with ${program.stubs}`);
  return program.executable;
}

itWith(go)("a Go client finds what the catalog says, in all twelve methods", async () => {
  const client = await goClient();
  const report = await runClient(client, [], await sidecarForClient());
  expect(report).toStrictEqual(allOk(INTEROP_CHECKS));
});

itWith(go)("a Go client finds the same with an outbox", async () => {
  const client = await goClient();
  const report = await runClient(client, [], await sidecarWithOutbox());
  expect(report).toStrictEqual(allOk(INTEROP_CHECKS));
});

itWith(go)("of 10,000 calls of a Go client, half of them cancelled, no other fails", async () => {
  const client = await goClient();
  const report = await runClient(client, ["storm"], await sidecarForClient());
  expect(report).toStrictEqual(allOk(STORM_CHECKS));
});
