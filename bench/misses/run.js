/** `npm run figures:misses`: what a check costs whose state is not cached, in processor time, so that a busy machine matters little. */
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";

const folder = mkdtempSync(join(import.meta.dirname, "../../node_modules/.misses-bench-"));
process.on("exit", () => rmSync(folder, { recursive: true }));
// As it ships: what runs a test gives each import of each file a price that no user pays.
await build({
  entryPoints: [join(import.meta.dirname, "print-misses.ts")],
  bundle: true,
  platform: "node",
  format: "esm",
  packages: "external",
  outfile: join(folder, "print-misses.mjs"),
  logLevel: "warning",
});
cpSync(join(import.meta.dirname, "edge-process.js"), join(folder, "edge-process.mjs"));
const { printMisses } = await import(pathToFileURL(join(folder, "print-misses.mjs")).href);
await printMisses(process.argv[2]);
process.exit(0);
