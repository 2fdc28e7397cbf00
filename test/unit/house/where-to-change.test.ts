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
import { CHANGE_TYPES } from "../../../src/domain/change.js";
import { ACCESS_DENIED_REASONS } from "../../../src/domain/decision/access-denied-reason.js";
import { FEATURE_TYPES, METER_TYPES } from "../../../src/domain/feature.js";
import { RESET_PERIODS } from "../../../src/domain/usage/usage-period.js";

const REPO = resolve(import.meta.dirname, "../../..");
const CHANGES = [
  "a denied reason",
  "a reset period",
  "a feature kind",
  "a field of an entitlement",
  "a field of a decision",
  "a method of the service",
  "an upstream event type",
  "a cache store",
  "an environment variable",
  "a metric",
];

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
  expect(rows).toEqual(CHANGES);
});

describe("a closed list is known in whole to those who have to know it:", () => {
  it.each([
    ["reasons", ACCESS_DENIED_REASONS, Object.keys(WIRE_REASONS)],
    ["reset periods", RESET_PERIODS, Object.keys(WIRE_RESET_PERIODS)],
    ["feature types", FEATURE_TYPES, Object.keys(WIRE_FEATURE_TYPES)],
    ["meter types", METER_TYPES, Object.keys(WIRE_METER_TYPES)],
  ])("%s", (_, list, known) => expect(known.toSorted()).toEqual([...list].toSorted()));

  it("each subscription brings changes of a type of its own", () => {
    const kinds = SUBSCRIPTIONS.map(({ kind }) => kind);
    expect(new Set(kinds).size).toBe(kinds.length);
    expect(CHANGE_TYPES).toEqual(expect.arrayContaining(kinds));
  });
});
