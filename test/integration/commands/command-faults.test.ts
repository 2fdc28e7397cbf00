import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";

const REPO = resolve(import.meta.dirname, "../../..");
const CATALOG = resolve(REPO, "examples/catalog.yaml");
const DECISION = JSON.stringify({
  timestamp: "2026-01-01T00:00:00.000Z",
  decision: "a-1",
  customer: "acme",
  feature: "seats",
  granted: true,
  fallback: false,
  source: "memory",
});

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "commands-"));
  writeFileSync(join(folder, "empty"), "");
  writeFileSync(join(folder, "text"), "no such thing\n");
  writeFileSync(join(folder, "key.pem"), "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
  writeFileSync(join(folder, "broken.pem"), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
  writeFileSync(join(folder, "decisions"), `${DECISION}\n`);
});

afterAll(() => rmSync(folder, { recursive: true }));

/** @param program of node, with its limit of open files where one is given */
function run(program: string, args: readonly string[], env: Record<string, string> = {}, maxFiles?: number) {
  const command = [process.execPath, resolve(REPO, `dist/bootstrap/${program}.js`), ...args];
  const limit = maxFiles === undefined ? [] : ["sh", "-c", `ulimit -n ${maxFiles}; exec "$@"`, "sh"];
  const [file = "", ...rest] = [...limit, ...command];
  const { status, stdout, stderr } = spawnSync(file, rest, {
    cwd: folder,
    env: { PATH: process.env["PATH"], ...env },
    encoding: "utf8",
    input: "",
    // One that starts, since it may open enough, is ended.
    timeout: maxFiles === undefined ? 60_000 : 10_000,
  });
  return { status, stdout, stderr };
}

describe("a command that cannot do what is asked", () => {
  it.each<[args: string, status: number, says: RegExp]>([
    ["decisions --file empty", 1, /^empty has no decisions: is it the DECISION_LOG_FILE/],
    ["decisions --file text", 1, /^text has no decisions/],
    ["decisions --file -", 1, /^standard input has no decisions/],
    ["decisions --file decisions --customer other", 1, /^none of the 1 decision in decisions is what was asked for/],
    ["decisions --file decisions --since 1h --until 2h", 2, /^error: --since is after --until/],
    ["emulate --catalog nowhere", 2, /^error: the catalog file nowhere cannot be read/],
    ["emulate --catalog text", 2, /^error: the catalog has a fault/],
    ["check a b --ca empty", 2, /^error: --ca: empty has no certificate in PEM/],
    ["check a b --ca text", 2, /^error: --ca: text has no certificate in PEM .*openssl x509/],
    ["check a b --ca key.pem", 2, /^error: --ca: key.pem has no certificate in PEM .*but a private key/],
    ["check a b --ca broken.pem", 2, /^error: --ca: a certificate in broken.pem is damaged/],
    ["check a b --timeout 0", 2, /^error: --timeout must be/],
    ["check a b --adress x", 2, /^error: there is no option '--adress': did you mean --address\?/],
    ["explain a b --timeout 0", 2, /^error: --timeout must be/],
    ["status --expect ,", 2, /^error: --expect is empty/],
    [
      `whatif --catalog ${CATALOG} --from ${CATALOG} --state nowhere`,
      2,
      /^error: the state file nowhere cannot be read/,
    ],
    [
      `whatif --catalog ${CATALOG} --from ${CATALOG} --customers empty`,
      2,
      /^error: --customers: empty has no customer/,
    ],
    [`whatif --catalog ${CATALOG} --from ${CATALOG} --customers text`, 2, /^error: --customers: neither catalog has/],
    ["whatif --catalog nowhere --from nowhere", 2, /^error: the catalog file nowhere cannot be read/],
  ])("%s", (args, status, says) => {
    const outcome = run("cli", args.split(" "));
    expect(outcome).toEqual({ status, stdout: "", stderr: expect.stringMatching(says) as unknown as string });
  });

  it.each(["check a b --help", "status --section cache -h", "outbox list --help"])("%s is help", (args) => {
    const [command = ""] = args.split(" ");
    expect(run("cli", args.split(" "))).toEqual({
      status: 0,
      stdout: expect.stringMatching(new RegExp(`^entitlement-sidecar ${command}`)) as unknown as string,
      stderr: "",
    });
  });
});

describe("a process that may open too few files", () => {
  it.each([
    [
      "the sidecar",
      "cli",
      ["serve"],
      78,
      /^entitlement-sidecar cannot start\.\n.*this process may open too few files: /,
    ],
    [
      "the persistent-cache service",
      "persistent-cache",
      [],
      78,
      /^persistent-cache-service cannot start\.\nthis process/,
    ],
    ["a command", "cli", ["check", "a", "b"], 2, /^error: this process may open too few files: .*ulimit -n/],
  ] as const)("says so as %s, in one line and with the remedy", (_, program, args, status, says) => {
    const env = { CATALOG_FILE: CATALOG, GRPC_PORT: "0", METRICS_PORT: "0" };
    let failures = 0;
    // How many files are too few is another number for each version of Node, which also reads files in other ways.
    for (let maxFiles = 20; maxFiles < 64; maxFiles++) {
      const outcome = run(program, args, env, maxFiles);
      if (outcome.status === null || outcome.stderr.startsWith("node:")) continue;
      if (!outcome.stderr.includes("EMFILE")) break;
      failures++;
      expect(outcome).toMatchObject({ status, stderr: expect.stringMatching(says) as unknown as string });
      expect(outcome.stderr.trim().split("\n").length).toBe(status === 78 ? 2 : 1);
    }
    // Where files are read one after the other the service gets to its settings, of which there are none, with any number.
    if (program === "cli") expect(failures).toBeGreaterThan(0);
  });
});
