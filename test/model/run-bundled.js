import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Bundles a program of TypeScript and calls its `main`: at the speed of the product, which a module runner has not. */
export async function runBundled(entryPoint, args) {
  const folder = join(ROOT, "node_modules", ".cache", "entitlement-sidecar", "model");
  mkdirSync(folder, { recursive: true });
  const program = join(folder, `program-${process.pid}.mjs`);
  await build({
    entryPoints: [entryPoint],
    outfile: program,
    bundle: true,
    packages: "external",
    format: "esm",
    platform: "node",
    target: "node20.19",
    logLevel: "warning",
    sourcemap: "inline",
  });
  try {
    const { main } = await import(pathToFileURL(program).href);
    return await main(args);
  } finally {
    rmSync(program);
  }
}
