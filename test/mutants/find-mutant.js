import { readFileSync } from "node:fs";

export const MUTANTS = ["known-kinds.json", "mutants.json", "persistent-cache.json"].flatMap((name) =>
  JSON.parse(readFileSync(new URL(name, import.meta.url), "utf8")),
);

export function findMutant(name) {
  const found = MUTANTS.find((each) => each.name === name);
  if (found === undefined)
    throw new Error(`there is no mutant ${name}; there are ${MUTANTS.map((each) => each.name).join(", ")}`);
  return found;
}
