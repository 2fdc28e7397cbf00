import { expect, it } from "vitest";
import { allOk, STORM_CHECKS } from "./catalog.js";
import { runClient } from "./client-report.js";
import { buildRustProgram } from "./rust-program.js";
import { sidecarForClient } from "./sidecar-for-client.js";
import { requireToolchain, tell } from "./toolchain.js";

it("of 10,000 calls of a Rust client (tonic), half of them cancelled, no other fails", async (context) => {
  tell(await requireToolchain(context, "Rust", "cargo", ["--version"]));
  const client = await buildRustProgram();
  const report = await runClient(client, ["storm"], await sidecarForClient(context));
  expect(report).toStrictEqual(allOk(STORM_CHECKS));
});
