/**
 * `npm run fuzz -- [seconds] [--seed <n>] [--target <name>]… [--input <hexadecimal>] [--node <binary>]`: feeds the port what no
 * client would send, on the given Node. Findings are kept under test/fuzz/corpus, where a unit test runs them again.
 */
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const CORPUS = fileURLToPath(new URL("corpus", import.meta.url));
const CACHE = join(ROOT, "node_modules", ".cache", "entitlement-sidecar", "fuzz");
/** No input takes as long: the program hangs in one turn of its event loop. */
const HANG_MS = 60_000;

const args = process.argv.slice(2);
const nodeAt = args.indexOf("--node");
const [, node = process.execPath] = nodeAt < 0 ? [] : args.splice(nodeAt, 2);
mkdirSync(CACHE, { recursive: true });
const program = join(CACHE, `fuzz-${process.pid}.mjs`);
const current = join(CACHE, `input-${process.pid}`);
writeFileSync(current, "");
await build({
  entryPoints: [fileURLToPath(new URL("main.ts", import.meta.url))],
  outfile: program,
  bundle: true,
  packages: "external",
  format: "esm",
  platform: "node",
  target: "node20.19",
  logLevel: "warning",
});
const child = spawn(node, ["--enable-source-maps", program, ...args, "--corpus", CORPUS, "--current", current], {
  stdio: "inherit",
});
const watch = setInterval(() => {
  if (!args.includes("--input") && Date.now() - statSync(current).mtimeMs > HANG_MS) child.kill("SIGKILL");
}, 1_000);
child.once("close", (code, signal) => {
  clearInterval(watch);
  rmSync(program);
  if (code !== 0 && code !== 1) {
    const [target, input] = readFileSync(current, "utf8").split("\n")[0].split(" ");
    process.stdout.write(
      `FOUND: the process ended with ${signal ?? `code ${code}`}; the input was: npm run fuzz -- --target ${target} --input ${input}\n`,
    );
  }
  rmSync(current);
  process.exitCode = code === 0 ? 0 : 1;
});
