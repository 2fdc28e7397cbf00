import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "@jest/globals";
import {
  WIRE_FEATURE_TYPES,
  WIRE_METER_TYPES,
  WIRE_REASONS,
  WIRE_RESET_PERIODS,
} from "../../../src/adapters/rpc/answers/wire-values.js";
import { SUBSCRIPTIONS } from "../../../src/adapters/stream/subscriptions.js";
import { CHANGE_TYPES, MIGRATIONS } from "../../../src/domain/change.js";
import { ACCESS_DENIED_REASONS } from "../../../src/domain/decision/access-denied-reason.js";
import { FEATURE_KINDS, FEATURE_TYPES, METER_TYPES } from "../../../src/domain/feature.js";
import { RESET_PERIODS } from "../../../src/domain/usage/usage-period.js";
import { CHANGES } from "../../changes/changes.js";

const REPO = resolve(import.meta.dirname, "../../..");

/** The values that a schema allows for the first property of this name; null is none of them. */
function listIn(schema: string, property: string): string[] {
  const text = readFileSync(resolve(REPO, "schema", schema), "utf8");
  const values = new RegExp(`"${property}": \\{\\s*"enum": (\\[[^\\]]*\\])`).exec(text)?.[1] ?? "[]";
  return (JSON.parse(values) as (string | null)[]).filter((value) => value !== null);
}

describe.each(["where-to-change.md", "freshness.md", "glossary.md"])("docs/%s", (page) => {
  const text = readFileSync(resolve(REPO, "docs", page), "utf8");

  it("names only what is there", () => {
    const paths = [...text.matchAll(/`((?:src|test|build|proto|schema)\/[^`\s]+)`/g)].map(([, path = ""]) => path);
    expect(paths.length).toBeGreaterThan(5);
    expect(paths.filter((path) => !existsSync(resolve(REPO, path)))).toEqual([]);
  });
});

it("docs/where-to-change.md has a row for each of the changes that are common", () => {
  const text = readFileSync(resolve(REPO, "docs/where-to-change.md"), "utf8");
  const rows = [...text.matchAll(/^\| (an? [^|]+?) \|/gm)].map(([, change]) => change);
  expect(rows).toEqual(CHANGES.map(({ name }) => name));
});

it.each(CHANGES.map((change) => [change.name, change] as const))(
  "the edits that make %s in `npm run changes` fit the sources",
  (_, { begin, then, tests = {} }) => {
    const edits = [...begin, ...then, ...Object.values(tests).flat()];
    const unfit = edits.filter(([file, there]) => !readFileSync(resolve(REPO, file), "utf8").includes(there));
    expect(unfit).toEqual([]);
  },
);

describe("a closed list is known in whole to those who have to know it:", () => {
  it.each([
    ["reasons", ACCESS_DENIED_REASONS, Object.keys(WIRE_REASONS)],
    ["reset periods", RESET_PERIODS, Object.keys(WIRE_RESET_PERIODS)],
    ["feature types", FEATURE_TYPES, Object.keys(WIRE_FEATURE_TYPES)],
    ["meter types", METER_TYPES, Object.keys(WIRE_METER_TYPES)],
    ["feature kinds of a catalog", FEATURE_KINDS, listIn("catalog.schema.json", "kind")],
    ["reset periods of a catalog", RESET_PERIODS, listIn("catalog.schema.json", "resetPeriod")],
    ["reset periods of a change message", RESET_PERIODS, listIn("change-message.schema.json", "resetPeriod")],
    ["feature types of a change message", FEATURE_TYPES, listIn("change-message.schema.json", "featureType")],
    ["meter types of a change message", METER_TYPES, listIn("change-message.schema.json", "meterType")],
    ["migrations of a change message", MIGRATIONS, listIn("change-message.schema.json", "migrationType")],
  ])("%s", (_, list, known) => expect(known.toSorted()).toEqual([...list].toSorted()));

  it("each subscription brings changes of a type of its own", () => {
    const kinds = SUBSCRIPTIONS.map(({ kind }) => kind);
    expect(new Set(kinds).size).toBe(kinds.length);
    expect(CHANGE_TYPES).toEqual(expect.arrayContaining(kinds));
  });
});
