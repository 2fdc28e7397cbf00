/** Bundles and runs the outbox's figures: rates of acceptance in both grades beside the disk's own sync, calls, starts. */
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";

const folder = mkdtempSync(join(import.meta.dirname, "../../node_modules/.outbox-bench-"));
process.on("exit", () => rmSync(folder, { recursive: true }));
await build({
  entryPoints: [join(import.meta.dirname, "measure.ts")],
  bundle: true,
  platform: "node",
  format: "esm",
  packages: "external",
  outfile: join(folder, "measure.mjs"),
  logLevel: "warning",
});
await import(pathToFileURL(join(folder, "measure.mjs")).href);
