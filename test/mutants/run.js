/**
 * `npm run mutants [-- name…] [--all] [--by model,simulation,unit]`: plants one fault after the other, and prints what finds
 * it: the model, the simulation or the unit tests of the file, in that order, and with --all each of them. Exit code 1 where
 * one survives.
 */
import { spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { buildSimulation } from "../simulation/build.js";
import { findMutant, MUTANTS } from "./find-mutant.js";
import { mutated, plantingPlugin } from "./plant.js";

const ROOT = resolve(fileURLToPath(new URL("../..", import.meta.url)));
const CACHE = join(ROOT, "node_modules", ".cache", "entitlement-sidecar", "mutants");
/** Whoever takes longer hangs, which is found as well. */
const LIMIT_MS = 600_000;
const SEEDS = JSON.parse(readFileSync(new URL("../simulation/seeds.json", import.meta.url), "utf8"));
const USUAL_SEEDS = [
  "--seed 21 --minutes 60 --sidecars 5 --customers 100 --checks 3 --faults 40",
  "--seed 22 --minutes 60 --sidecars 5 --customers 100 --checks 3 --faults 40",
];

/** Of fleets with persistent-cache services, for faults of those. */
const SEEDS_WITH_A_QUEUE = [
  "--seed 71 --minutes 45 --sidecars 4 --customers 200 --checks 2 --faults 100 --cache-services 2",
  "--seed 73 --minutes 45 --sidecars 4 --customers 200 --checks 2 --faults 100 --cache-services 2",
];

/** What the unit tests of a copy need. */
const TREE = [
  "src",
  "test",
  "build",
  "examples",
  "schema",
  "proto",
  "docs",
  "package.json",
  "tsconfig.json",
  "jest.config.js",
];

const args = process.argv.slice(2);
const isThorough = args.includes("--all");
const by = args.includes("--by") ? args[args.indexOf("--by") + 1].split(",") : ["model", "simulation", "unit"];
const names = args.filter((arg, index) => !arg.startsWith("--") && args[index - 1] !== "--by");
const mutants = names.length === 0 ? MUTANTS : names.map(findMutant);
mkdirSync(CACHE, { recursive: true });

let survivors = 0;
for (const mutant of mutants) {
  const found = [];
  for (const [name, look] of [
    ["model", model],
    ["simulation", simulation],
    ["unit tests", unitTests],
  ]) {
    if (!by.includes(name.split(" ")[0])) continue;
    if (found.length > 0 && !isThorough) break;
    const how = await look(mutant);
    if (how !== undefined) found.push(`${name}${how === "" ? "" : ` (${how})`}`);
  }
  if (found.length === 0) survivors++;
  process.stdout.write(
    `${found.length === 0 ? "SURVIVES" : "found"} ${mutant.name}${found.length === 0 ? "" : ` by ${found.join(", ")}`}\n`,
  );
}
process.stdout.write(`${mutants.length} mutants, ${survivors} survive\n`);
process.exitCode = survivors === 0 ? 0 : 1;

/** @returns how it is found; undefined: it is not, or what is looked at does not have it */
async function model(mutant) {
  const program = join(CACHE, `model-${process.pid}.mjs`);
  const planting = plantingPlugin(mutant);
  await build({
    entryPoints: [join(ROOT, "test", "model", "main.ts")],
    outfile: program,
    bundle: true,
    packages: "external",
    format: "esm",
    platform: "node",
    target: "node20.19",
    logLevel: "silent",
    plugins: [planting.plugin],
  });
  if (!planting.planted()) return undefined;
  const { code, output } = await run(
    process.execPath,
    [
      "-e",
      `import(${JSON.stringify(program)}).then(async ({ main }) => { process.exitCode = await main(["--cases", "6000", "--equal", "--seed", "1", "--max-found", "1"]); })`,
    ],
    ROOT,
  );
  return code === 0 ? undefined : (/^(\w+): at/m.exec(output)?.[1] ?? "it ends");
}

async function simulation(mutant) {
  const planting = plantingPlugin(mutant);
  const program = await buildSimulation(`mutant-${process.pid}`, [planting.plugin]);
  if (!planting.planted())
    throw new Error(
      `${mutant.name} does not fit the sources any more: its text has to be once in one src/**/${mutant.file}`,
    );
  // One that breaks without the fault, too, says nothing of it.
  const own = SEEDS.filter((seed) => seed.mutant === mutant.name && seed.open === undefined).map((seed) => seed.args);
  const usual = mutant.fleet === "queue" ? SEEDS_WITH_A_QUEUE : USUAL_SEEDS;
  for (const seed of own.length > 0 ? own : usual) {
    const { code, output } = await run(
      process.execPath,
      [
        "-e",
        `import(${JSON.stringify(program)}).then(async ({ main }) => { process.exitCode = await main(${JSON.stringify(seed.split(/\s+/))}); })`,
      ],
      ROOT,
    );
    if (code !== 0)
      return `${seed.split(" --minutes")[0].slice(2)}: ${/^BROKEN (\S+)/m.exec(output)?.[1] ?? "it ends"}`;
  }
  return undefined;
}

/** In a copy of the tree. */
async function unitTests(mutant) {
  const copy = mkdtempSync(join(tmpdir(), "mutant-"));
  try {
    for (const name of TREE) cpSync(join(ROOT, name), join(copy, name), { recursive: true });
    symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
    const [file] = readdirSync(join(copy, "src"), { recursive: true })
      .filter((path) => basename(path) === mutant.file)
      .map((path) => join(copy, "src", path))
      .filter((path) => {
        const text = mutated(mutant, path, readFileSync(path, "utf8"));
        if (text !== undefined) writeFileSync(path, text);
        return text !== undefined;
      });
    if (file === undefined) return undefined;
    const { code, output } = await run(
      process.execPath,
      [
        "--experimental-vm-modules",
        "--disable-warning=ExperimentalWarning",
        "--preserve-symlinks",
        "node_modules/jest/bin/jest.js",
        "--selectProjects=unit",
        "--roots=test",
        "--roots=src",
        "--bail=1",
        "--passWithNoTests",
        "--testPathIgnorePatterns=/test/unit/(model|simulation|mutants|house|bench|docs)/",
        "--findRelatedTests",
        relative(copy, file),
      ],
      copy,
    );
    if (code !== 0 && !/^(FAIL|Tests:) /m.test(output)) throw new Error(`the unit tests did not run:\n${output}`);
    return code === 0 ? undefined : (/FAIL .*?(\S+\.test\.ts)/.exec(output)?.[1] ?? "they fail");
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

function run(command, commandArgs, cwd) {
  return new Promise((done) => {
    const child = spawn(command, commandArgs, { cwd, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (output += String(data)));
    const timer = setTimeout(() => child.kill("SIGKILL"), LIMIT_MS);
    child.once("close", (code) => {
      clearTimeout(timer);
      done({ code, output });
    });
  });
}
