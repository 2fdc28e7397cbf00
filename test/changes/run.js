/**
 * Makes the changes of docs/where-to-change.md, each in a copy of this repository, and sees that the compiler and the tests
 * name exactly the files that had to change, and that the page says the same.
 *
 *   npm run changes [-- "a reset period"]
 */
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { CHANGES } from "./changes.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const GENERATED = "src/adapters/rpc/gen";
const NOT_COPIED = new Set([".git", "node_modules", "dist", "bench"]);

const copy = mkdtempSync(join(tmpdir(), "sidecar-changes-"));
let program;
try {
  for (const entry of readdirSync(ROOT))
    if (!NOT_COPIED.has(entry)) cpSync(join(ROOT, entry), join(copy, entry), { recursive: true });
  symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
  const page = readFileSync(join(ROOT, "docs/where-to-change.md"), "utf8");
  const chosen = CHANGES.filter(({ name }) => process.argv[2] === undefined || name === process.argv[2]);
  for (const change of chosen) report(change, page);
} finally {
  rmSync(copy, { recursive: true, force: true });
}

function report(change, page) {
  const { changed, named, faults } = make(change);
  const row = page.split("\n").find((line) => line.startsWith(`| ${change.name} |`)) ?? "";
  const [, begin = [], then = []] = row
    .split(" | ")
    .map((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, path]) => path));
  compare(faults, "begins at", new Set(change.begin.map(([file]) => file)), begin);
  compare(faults, "is then named", changed, then);
  process.stdout.write(
    `${faults.length === 0 ? "ok    " : "FAILED"} ${change.name}: ${changed.size} named, ${changed.size} changed\n`,
  );
  for (const file of named)
    if (!changed.has(file)) process.stdout.write(`       well again once those had changed: ${file}\n`);
  for (const fault of faults) process.stdout.write(`       ${fault}\n`);
  if (faults.length > 0) process.exitCode = 1;
}

function compare(faults, what, made, stated) {
  for (const file of made) if (!stated.includes(file)) faults.push(`the page lacks that ${file} ${what}`);
  for (const file of stated) if (!made.has(file)) faults.push(`the page says that ${file} ${what}`);
}

/** @returns the files that were named and then changed, all that were named, and what did not come out even */
function make({ name, begin, then, tests = {} }) {
  const before = new Map();
  const changed = new Set();
  const named = new Set();
  const faults = [];
  try {
    edit(begin);
    let left = then;
    for (let errors = compile(); errors.size > 0; errors = compile()) {
      for (const file of errors.keys()) named.add(file);
      const next = left.filter(([file]) => errors.has(file));
      if (next.length === 0) {
        for (const [file, message] of errors) faults.push(`named, and nothing to change: ${file}: ${message}`);
        break;
      }
      edit(next);
      for (const [file] of next) changed.add(file);
      left = left.filter((one) => !next.includes(one));
    }
    for (const [file] of left) faults.push(`had to change, and was not named: ${file}`);
    if (faults.length === 0) execFileSync("node", ["build/answer-writers.js"], { cwd: copy, stdio: "inherit" });
    for (const [test, edits] of Object.entries(tests)) {
      if (passes(test)) faults.push(`${test} passes without ${edits.map(([file]) => file).join(", ")}`);
      edit(edits);
      for (const [file] of edits) changed.add(file);
      if (!passes(test)) faults.push(`${test} fails, all changed`);
    }
  } finally {
    for (const [file, text] of before) writeFileSync(join(copy, file), text);
    restoreGenerated();
  }
  return { changed, named, faults };

  function edit(edits) {
    for (const [file, there, put] of edits) {
      const text = readFileSync(join(copy, file), "utf8");
      if (!text.includes(there)) throw new Error(`${name}: ${file} has no ${JSON.stringify(there)}`);
      if (!before.has(file)) before.set(file, text);
      writeFileSync(
        join(copy, file),
        text.replace(there, () => there + put),
      );
    }
    if (edits.some(([file]) => file.endsWith(".proto"))) generate();
  }
}

/** The messages' code. What is generated of the descriptions of answers follows when they compile. */
function generate() {
  execFileSync("npx", ["buf", "generate"], { cwd: copy, stdio: "inherit" });
  cpSync(join(ROOT, GENERATED, "answers"), join(copy, GENERATED, "answers"), { recursive: true });
}

function restoreGenerated() {
  rmSync(join(copy, GENERATED), { recursive: true });
  cpSync(join(ROOT, GENERATED), join(copy, GENERATED), { recursive: true });
}

/** @returns for each file that does not compile what is first said of it */
function compile() {
  const { config } = ts.readConfigFile(join(copy, "tsconfig.build.json"), ts.sys.readFile);
  const { options, fileNames } = ts.parseJsonConfigFileContent(config, ts.sys, copy);
  const host = ts.createIncrementalCompilerHost({ ...options, noEmit: true });
  program = ts.createSemanticDiagnosticsBuilderProgram(fileNames, { ...options, noEmit: true }, host, program);
  const errors = new Map();
  for (const { file, messageText } of [...program.getSyntacticDiagnostics(), ...program.getSemanticDiagnostics()]) {
    const name = relative(copy, file.fileName);
    if (!errors.has(name)) errors.set(name, ts.flattenDiagnosticMessageText(messageText, " "));
  }
  return errors;
}

function passes(test) {
  return spawnSync("npm", ["run", "-s", "jest", "--", "--silent", test], { cwd: copy, stdio: "ignore" }).status === 0;
}
