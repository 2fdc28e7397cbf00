import { expect } from "@jest/globals";
import { allOk, STORM_CHECKS } from "./catalog.js";
import { runClient } from "./client-report.js";
import { buildRustProgram } from "./rust-program.js";
import { sidecarForClient } from "./sidecar-for-client.js";
import { findToolchain, itWith, tell } from "./toolchain.js";

const rust = await findToolchain("Rust", "cargo", ["--version"]);

itWith(rust)("of 10,000 calls of a Rust client (tonic), half of them cancelled, no other fails", async () => {
  tell(rust ?? "");
  const client = await buildRustProgram();
  const report = await runClient(client, ["storm"], await sidecarForClient());
  expect(report).toStrictEqual(allOk(STORM_CHECKS));
});
