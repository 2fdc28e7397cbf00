import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { open } from "node:fs/promises";
import { resolve } from "node:path";
import { describe, expect, it } from "@jest/globals";

const REPO = resolve(import.meta.dirname, "../../..");
const CLI = resolve(REPO, "dist/bootstrap/cli.js");
const VALIDATE = ["validate", "examples/catalog.yaml"];

/** The exit code 1 is an answer: denied, not valid. What could not be said must not end with it. */
describe("a command whose output", () => {
  it("has lost its reader ends with its answer", async () => {
    const child = spawn(process.execPath, [CLI, ...VALIDATE], { cwd: REPO, stdio: ["ignore", "pipe", "pipe"] });
    child.stdout.destroy();
    let stderr = "";
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    const [code] = (await once(child, "close")) as [number];
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  });

  const fullDisk = existsSync("/dev/full") ? it : it.skip;
  fullDisk("finds the disk full ends as an error, and says so", async () => {
    const full = await open("/dev/full", "w");
    const child = spawn(process.execPath, [CLI, ...VALIDATE], { cwd: REPO, stdio: ["ignore", full.fd, "pipe"] });
    let stderr = "";
    child.stderr?.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    const [code] = (await once(child, "close")) as [number];
    await full.close();
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringMatching(/^error: the answer cannot be written: ENOSPC[^\n]*\n$/) as unknown as string,
    });
  });

  it("finds both outputs closed ends with its answer", async () => {
    const child = spawn(process.execPath, [CLI, "help", "configuration"], {
      cwd: REPO,
      stdio: ["ignore", "pipe", "pipe"],
    });
    child.stdout.destroy();
    child.stderr.destroy();
    expect(await once(child, "close")).toEqual([0, null]);
  });
});
