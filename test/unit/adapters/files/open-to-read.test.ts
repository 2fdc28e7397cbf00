import { execFileSync, spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { openFile, readFileNow, readOnce, readOnceNow } from "../../../../src/adapters/files/open-to-read.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "open-to-read-"));
});
afterEach(() => rm(folder, { recursive: true }));

const at = (name: string) => join(folder, name);
function pipe(): string {
  execFileSync("mkfifo", [at("pipe")]);
  return at("pipe");
}
async function directory(): Promise<string> {
  await mkdir(at("directory"));
  return at("directory");
}

type Read = (file: string, maxLooks?: number) => Buffer | Promise<Buffer>;
const ONCE: readonly (readonly [string, Read])[] = [
  ["while others go on", readOnce],
  ["while everything waits", readOnceNow],
];
const outcomeOf = async (read: Read, file: string, maxLooks?: number) =>
  Promise.resolve()
    .then(() => read(file, maxLooks))
    .then(
      (bytes) => bytes.toString(),
      (error: unknown) => (error as Error).message,
    );

describe.each(ONCE)("reading once, %s", (_, read) => {
  it.each(["", "text\n", "x".repeat(200_000)])("gives all of a file (%#)", async (text) => {
    await writeFile(at("file"), text);
    expect(await outcomeOf(read, at("file"))).toBe(text);
  });

  it.each(["late\n", "x".repeat(200_000)])(
    "gives all that a command writes to a pipe, however late (%#)",
    async (text) => {
      const file = pipe();
      await writeFile(at("source"), text);
      spawn("sh", ["-c", 'sleep 0.2; cat "$0" > "$1"', at("source"), file], { stdio: "ignore" });
      expect(await outcomeOf(read, file)).toBe(text);
    },
  );

  it("gives up a pipe that nobody writes to", async () => {
    expect(await outcomeOf(read, pipe(), 2)).toMatch(/is no file, and nothing comes out of it/);
  });

  it("gives up what does not end", async () => {
    expect(await outcomeOf(read, "/dev/zero")).toBe("/dev/zero is no file, and does not end");
  });

  it("takes what is empty for empty", async () => {
    expect(await outcomeOf(read, "/dev/null")).toBe("");
  });

  it("refuses a directory", async () => {
    expect(await outcomeOf(read, await directory())).toMatch(/is a directory, and not a file$/);
  });
});

const AGAIN: readonly (readonly [string, Read])[] = [
  [
    "by a handle",
    async (file) => {
      const handle = await openFile(file);
      const bytes = await handle.readFile();
      await handle.close();
      return bytes;
    },
  ],
  ["while everything waits", readFileNow],
];

describe.each(AGAIN)("reading what is read again and again, %s", (_, read) => {
  it("takes a file, and at once refuses what is none", async () => {
    await writeFile(at("file"), "text");
    expect(await outcomeOf(read, at("file"))).toBe("text");
    expect(await outcomeOf(read, pipe())).toMatch(/is a pipe, and not a file$/);
    expect(await outcomeOf(read, await directory())).toMatch(/is a directory, and not a file$/);
    expect(await outcomeOf(read, "/dev/zero")).toMatch(/is a device, and not a file$/);
    expect(await outcomeOf(read, at("nowhere"))).toMatch(/^ENOENT/);
  });
});
