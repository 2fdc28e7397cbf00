import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { outboxCommand } from "../../../../src/bootstrap/cli/outbox-command.js";
import { UsageError } from "../../../../src/bootstrap/cli/parse-command-line.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "outbox-command-"));
});
afterEach(() => rm(folder, { recursive: true }));

async function run(...args: readonly string[]) {
  const lines: string[] = [];
  const output = { out: (line: string) => void lines.push(line), err: (line: string) => void lines.push(line) };
  const code = await outboxCommand(args, {}, output);
  return { code, lines };
}

describe("the outbox command", () => {
  it.each([["42"], ["2026"]])("takes %s for the reason, or the directory, where that is what it is", async (number) => {
    const dir = join(folder, number);
    await mkdir(dir);
    await writeFile(join(dir, "lock"), "");
    expect(await run("drop", "7", "--reason", number, "--dir", dir)).toEqual({
      code: 1,
      lines: ["there is no item 7"],
    });
    expect(await run("show", "7", "8", "7", "--dir", dir)).toEqual({
      code: 1,
      lines: ["there is no item 7", "there is no item 8"],
    });
  });

  it.each([
    [["show", "abc"], /not understood: abc/],
    [["retry", "1e3"], /not understood: 1e3/],
    [["drop", "99999999999999999999", "--reason", "x"], /not understood: 99999999999999999999/],
    [["show"], /name items by their ids/],
    [["list", "7"], /not understood: 7/],
    [["drop", "7", "--reason", " "], /say why/],
  ])("does not guess what %j means", async (args, message) => {
    const outcome = run(...args, "--dir", folder);
    await expect(outcome).rejects.toBeInstanceOf(UsageError);
    await expect(outcome).rejects.toThrow(message);
  });

  it.each([
    [["status"]],
    [["list"]],
    [["export"]],
    [["show", "1"]],
    [["retry", "1"]],
    [["drop", "1", "--reason", "x"]],
  ])("of a directory without an outbox says so, and leaves nothing there: %j", async (args) => {
    await expect(run(...args, "--dir", folder)).rejects.toThrow(`there is no outbox in ${folder}`);
    expect(await readdir(folder)).toEqual([]);
  });

  it.each(["status", "list", "export"])("of a file says that it is no directory: %s", async (action) => {
    const file = join(folder, "file");
    await writeFile(file, "");
    await expect(run(action, "--dir", file)).rejects.toThrow(/there is no directory/);
  });
});
