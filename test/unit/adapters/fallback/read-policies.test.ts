import { readFileSync } from "node:fs";
import { describe, expect, it } from "@jest/globals";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { parse } from "yaml";
import { IdPattern, readPolicies } from "../../../../src/adapters/fallback/policy/read-policies.js";
import { CodedError } from "../../../../src/domain/errors.js";

const schema = JSON.parse(readFileSync("schema/failure-policy.schema.json", "utf8")) as object;
const isOfSchema = new Ajv2020({ strict: false }).compile(schema);
const read = (text: string) => readPolicies("policies.yaml", Buffer.from(text));

const EXAMPLE = /```yaml\n(features:[^]*?)```/.exec(readFileSync("docs/failure-policy.md", "utf8"))?.[1] ?? "";

describe("a file of failure policies", () => {
  it("is read as the documentation shows it", () => {
    const { features, groups, byDefault } = read(EXAMPLE);
    expect(isOfSchema(parse(EXAMPLE))).toBe(true);
    expect(Object.fromEntries(features)).toEqual({
      seats: { answer: "last-known", maxAgeMs: 86_400_000 },
      "api-calls": { answer: "allow-up-to", amount: 100, perMs: 3_600_000 },
    });
    const fitting = (id: string) => groups.find(({ pattern }) => pattern.test(id))?.policy.answer;
    expect(["report-monthly", "export", "exports", "admin-users", "x-report-y"].map(fitting)).toEqual([
      "allow",
      "allow",
      undefined,
      "deny",
      undefined,
    ]);
    expect(byDefault).toEqual({ answer: "grace", forMs: 900_000 });
  });

  it.each([
    "{}",
    "default: deny",
    "default: {answer: allow}",
    'groups: [{features: "a?c", policy: allow}]',
    "features: {x: {answer: allow-up-to, amount: 0}}",
  ])("takes %s, and so does the schema", (text) => {
    expect(isOfSchema(parse(text))).toBe(true);
    expect(() => read(text)).not.toThrow();
  });

  it.each([
    ["[]", "the file: must be a mapping"],
    ["default: maybe", "default: must be deny or allow, or {answer: one of"],
    ["default: {answer: last-known}", "default.maxAge: write a time such as"],
    ["default: {answer: last-known, maxAge: 24}", "default.maxAge: write a time such as"],
    ["default: {answer: last-known, maxAge: 0s}", "default.maxAge: write a time such as"],
    ["default: {answer: grace, for: 5m, maxAge: 5m}", "default.maxAge: grace has no such member"],
    ["default: {answer: allow-up-to}", "default.amount: must be a number"],
    ["default: {answer: allow-up-to, amount: -1}", "default.amount: must be a number"],
    ["defualt: deny", "defualt is not known here; there are features, groups, default"],
    ["groups: {}", "groups: must be a list"],
    ["groups: [{features: [], policy: deny}]", 'groups[0].features: must be a pattern such as "report-*"'],
    ["groups: [{features: a}]", "groups[0].policy: must be"],
    ["features: {seats: 7}", "features.seats: must be a mapping"],
  ])("refuses %s and says why, and so does the schema", (text, message) => {
    expect(isOfSchema(parse(text))).toBe(false);
    expect(() => read(text)).toThrow(message);
  });

  it("refuses what is given twice, and what is no YAML", () => {
    expect(() => read("features: {a: deny, a: allow}")).toThrow("Map keys must be unique");
    expect(() => read("features: {")).toThrow("neither YAML nor JSON");
  });

  it.each([
    ["a number and a text", 'features: {1: deny, "1": allow}', "Map keys must be unique"],
    ["a switch and a text", 'features: {true: deny, "true": allow}', "Map keys must be unique"],
    ["one number in two ways", "features: {0x10: deny, 16: allow}", "Map keys must be unique"],
    ["nothing and an empty text", 'features: {~: deny, "": allow}', "Map keys must be unique"],
    [
      "a pattern in two groups",
      'groups: [{features: ["a*", b], policy: deny}, {features: "a*", policy: allow}]',
      'groups[1].features: "a*" is in groups[0] already',
    ],
    ["a pattern twice in one group", "groups: [{features: [b, b], policy: deny}]", '"b" is in groups[0] already'],
    ["an alias without its anchor", "features: *none", "Unresolved alias"],
    [
      "aliases without end",
      `a: &a [x]\nb: &b [${"*a,".repeat(200)}]\nc: [${"*b,".repeat(200)}]`,
      "Excessive alias count",
    ],
  ])("refuses %s", (_, text, message) => {
    expect(() => read(text)).toThrow(message);
    expect(() => read(text)).toThrow(CodedError);
  });

  it("refuses what is no UTF-8: an id would be another", () => {
    expect(() => readPolicies("policies.yaml", Buffer.from("features: {caf\u00e9: deny}", "latin1"))).toThrow(
      "save it as UTF-8",
    );
  });
});

describe("a pattern of ids", () => {
  const asExpression = (glob: string) =>
    new RegExp(
      `^${glob
        .replace(/[.+^$(]/g, "\\$&")
        .replace(/\*+/g, ".*")
        .replaceAll("?", ".")}$`,
      "su",
    );

  it("fits what its stars and question marks say", () => {
    const text = (...characters: string[]) =>
      fc.array(fc.constantFrom(...characters), { maxLength: 8 }).map((all) => all.join(""));
    fc.assert(
      fc.property(text("a", "b", "*", "?", ".", "("), text("a", "b", ".", "(", "\n", "😀"), (glob, id) => {
        expect(new IdPattern(glob).test(id)).toBe(asExpression(glob).test(id));
      }),
      { numRuns: 5_000 },
    );
  });

  it("is through with any id at once: whoever asks chooses it", () => {
    expect(new IdPattern("*a".repeat(30)).test(`${"a".repeat(5_000)}b`)).toBe(false);
    expect(new IdPattern("*-?*-?*-?*x").test("-".repeat(20_000))).toBe(false);
  });
});
