import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { expect, it } from "@jest/globals";

const SESSION = "/proc/self/autogroup";
const PRECEDENCE = resolve(import.meta.dirname, "../../../bench/processes/precedence.ts");

/** What a bench does, and then tells: whether it goes first, and the niceness of its session. */
const BENCH = `
  import { readFileSync } from "node:fs";
  import { runnerImport } from "vite";
  const { module } = await runnerImport(${JSON.stringify(PRECEDENCE)}, { configFile: false, logLevel: "warn" });
  console.log(module.goBeforeOthers());
  console.log(readFileSync("${SESSION}", "utf8").trim());
`;

(existsSync(SESSION) ? it : it.skip)("goes before others where it says so, and no longer than it runs", () => {
  // In a session of its own: that of the tests stays as it is.
  const script = `cat ${SESSION}; "$0" --input-type=module --eval "$1"; cat ${SESSION}`;
  const { stdout, stderr } = spawnSync("setsid", ["--wait", "sh", "-c", script, process.execPath, BENCH], {
    encoding: "utf8",
  });

  const [before, goesFirst, meanwhile, after] = stdout.trim().split("\n");

  expect(stderr).toBe("");
  expect(goesFirst).toMatch(/^(true|false)$/);
  expect(meanwhile).toBe(goesFirst === "true" ? before?.replace(/nice .*/, "nice -20") : before);
  expect(after).toBe(before);
});
