import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { BROKEN_SIDECARS } from "../../integration/conformance-command/broken-sidecars.js";
import { MUTANTS } from "../../mutants/find-mutant.js";
import { mutated } from "../../mutants/plant.js";

const SOURCES = resolve(import.meta.dirname, "../../../src");
const files = readdirSync(SOURCES, { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts") && !file.includes("gen/"))
  .map((file) => ({ path: join(SOURCES, file), text: readFileSync(join(SOURCES, file), "utf8") }));

describe("a fault to be planted fits the sources: its text is once in one file of its name", () => {
  it.each([...MUTANTS, ...BROKEN_SIDECARS])("$name", (mutant) => {
    const changed = files.filter(({ path, text }) => mutated(mutant, path, text) !== undefined);
    expect(changed).toHaveLength(1);
    expect(mutant.replace).not.toBe(mutant.search);
  });

  it("has a name of its own", () => {
    expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length);
    expect(MUTANTS.length).toBeGreaterThanOrEqual(60);
  });
});
