import { execFileSync } from "node:child_process";
import { dirname, resolve } from "node:path";
import { expect, it } from "@jest/globals";

const REPO = resolve(import.meta.dirname, "../../..");
/** A folder is looked through at a glance, or it is divided. */
const MAX_FILES_IN_A_FOLDER = 25;

const files = execFileSync("git", ["ls-files", "-co", "--exclude-standard", "-z", "--", "src", "test", "bench"], {
  cwd: REPO,
  encoding: "utf8",
})
  .split("\0")
  .filter((file) => file !== "");

it(`no folder holds more than ${MAX_FILES_IN_A_FOLDER} files`, () => {
  const counts = new Map<string, number>();
  for (const file of files) counts.set(dirname(file), (counts.get(dirname(file)) ?? 0) + 1);
  expect(
    [...counts].filter(([folder, count]) => count > MAX_FILES_IN_A_FOLDER && !folder.startsWith("test/fuzz/corpus")),
  ).toEqual([]);
});

it("test/unit mirrors src: each folder of it that is not of a tool's own is one of src", () => {
  const folders = new Set(files.filter((file) => file.startsWith("src/")).flatMap(foldersAbove));
  const tools = /^test\/unit\/(attack|bench|docs|fuzz|house|model|proof|simulation|support)(\/|$)/;
  const strays = new Set(files.filter((file) => file.startsWith("test/unit/")).map((file) => dirname(file)));
  expect(
    [...strays].filter((folder) => !tools.test(folder) && !folders.has(folder.replace(/^test\/unit/, "src"))),
  ).toEqual([]);
});

function foldersAbove(file: string): string[] {
  const folder = dirname(file);
  return folder === "." ? [] : [folder, ...foldersAbove(folder)];
}
