import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, it } from "@jest/globals";
import { loggedLines, PLACEHOLDER } from "./logged-lines.js";

const ROOT = resolve(import.meta.dirname, "../../..");
const PAGE = readFileSync(join(ROOT, "docs/logs.md"), "utf8");

/** The longest part of a line that is the same each time. */
function mainPart(text: string): string {
  return text
    .split(new RegExp(`${PLACEHOLDER}|\n`))
    .map((part) => part.trim())
    .reduce((longest, part) => (part.length > longest.length ? part : longest), "");
}

it("every line at warn and error is on the page of logs, with what to do", () => {
  const lines = loggedLines(ROOT).filter(({ text }) => mainPart(text) !== "");
  expect(lines.length).toBeGreaterThan(80);
  expect(lines.filter(({ text }) => !PAGE.includes(mainPart(text)))).toEqual([]);
});

it("every row of the page has a level that is one of them", () => {
  const rows = PAGE.match(/^\| (\w+) \| .+ \| .+ \|$/gm) ?? [];
  expect(rows.length).toBeGreaterThan(80);
  expect(rows.filter((row) => !/^\| (?:level|info|warn|error) \|/.test(row))).toEqual([]);
});
