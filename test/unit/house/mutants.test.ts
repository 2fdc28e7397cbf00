import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { basename, resolve } from "node:path";
import { expect, it } from "@jest/globals";

const REPO = resolve(import.meta.dirname, "../../..");

interface Mutant {
  readonly name: string;
  readonly file: string;
  readonly search: string;
}

const mutants = ["known-kinds.json", "mutants.json", "persistent-cache.json"].flatMap(
  (name) => JSON.parse(readFileSync(resolve(REPO, "test/mutants", name), "utf8")) as Mutant[],
);

const sources = execFileSync("git", ["ls-files", "-co", "--exclude-standard", "-z", "--", "src"], {
  cwd: REPO,
  encoding: "utf8",
})
  .split("\0")
  .filter((file) => file.endsWith(".ts"));

it("every mutant finds its place in the sources, and only one", () => {
  const places = (mutant: Mutant) =>
    sources.filter(
      (file) =>
        basename(file) === mutant.file && readFileSync(resolve(REPO, file), "utf8").split(mutant.search).length === 2,
    ).length;
  expect(mutants.length).toBeGreaterThan(0);
  expect(mutants.filter((mutant) => places(mutant) !== 1).map(({ name }) => name)).toEqual([]);
});
