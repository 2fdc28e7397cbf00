import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { duplicateMembers, parseFallbacksJson } from "../../../../src/adapters/fallback/configured-fallbacks.js";
import { parseCommandLine } from "../../../../src/bootstrap/cli/parse-command-line.js";
import { hostAndPorts } from "../../../../src/bootstrap/config/settings/parsers.js";
import { loadConfig } from "../../../../src/bootstrap/config/sidecar-config.js";

/** JSON as it is written by hand: members in any order and number. */
type Written = string | readonly Written[] | { readonly members: readonly (readonly [name: string, value: Written])[] };

const written = fc.letrec<{ value: Written }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.jsonValue({ maxDepth: 0 }).map((value) => JSON.stringify(value)),
    fc.array(tie("value"), { maxLength: 3 }),
    fc
      .array(fc.tuple(fc.constantFrom("a", "b", 'c"', "{", ",", "\u0061", ""), tie("value")), { maxLength: 4 })
      .map((members) => ({ members })),
  ),
})).value;

const isList = (value: Written): value is readonly Written[] => Array.isArray(value);

function textOf(value: Written): string {
  if (typeof value === "string") return value;
  if (isList(value)) return `[${value.map(textOf).join(",")}]`;
  return `{${value.members.map(([name, member]) => `${JSON.stringify(name)} : ${textOf(member)}`).join(", ")}}`;
}

function hasDuplicate(value: Written): boolean {
  if (typeof value === "string") return false;
  if (isList(value)) return value.some(hasDuplicate);
  const names = value.members.map(([name]) => name);
  return new Set(names).size < names.length || value.members.some(([, member]) => hasDuplicate(member));
}

describe("members that JSON gives twice", () => {
  it.each<[json: string, paths: readonly string[]]>([
    ['{"a":1,"a":2}', ['["a"]']],
    ['{"a":1,"\\u0061":2}', ['["a"]']],
    ['{"a":{"x":1,"y":{"x":1},"x":2}}', ['["a"].x']],
    ['{"a":[{"x":1},{"x":1,"x":1,"x":1}]}', ['["a"][1].x']],
    ['{"a":1,"b":{"a":1},"c":[{"a":1}],"d":"\\"a\\":1,{"}', []],
    ['{"__proto__":1,"__proto__":2}', ['["__proto__"]']],
    ['["a","a"]', []],
    ['"a"', []],
  ])("%s", (json, paths) => {
    expect(duplicateMembers(json)).toEqual(paths);
  });

  it("are found at any depth, and no others", () => {
    fc.assert(fc.property(written, (value) => duplicateMembers(textOf(value)).length > 0 === hasDuplicate(value)));
  });
});

describe("what is given twice in a setting", () => {
  it.each([
    ['{"a":{"hasAccess":false},"a":{"hasAccess":true}}', '["a"]: is given more than once'],
    ['{"a":{"hasAccess":false,"hasAccess":true}}', '["a"].hasAccess: is given more than once'],
    ['{"a":{"hasAccess":true},"b":{"hasAccess":1,"hasAccess":true},"a":3}', '["b"].hasAccess: is given more than once'],
  ])("is refused among fallbacks: %s", (json, fault) => {
    expect(() => parseFallbacksJson(json)).toThrow(fault);
    expect(() => loadConfig({ OFFLINE: "true", ENTITLEMENTS_FALLBACK: json })).toThrow(
      `ENTITLEMENTS_FALLBACK: ${JSON.stringify(json)} is not allowed`,
    );
  });

  it.each([
    ["a:6379,a", "a:6379"],
    ["a,b,A:6379", "A:6379"],
    ["[::1]:7000,::1,[::1]:7000", "[::1]:7000"],
  ])("is refused among hosts: %s", (list, twice) => {
    expect(hostAndPorts(6_379).parse(list)).toEqual({
      ok: false,
      hint: `${twice} is given more than once; keep one of them`,
    });
  });

  it("is no fault where hosts differ by their ports alone", () => {
    expect(hostAndPorts(6_379).parse("a:1,a:2,b:1")).toMatchObject({ ok: true });
  });

  it("is refused on the command line, unless it is a flag", () => {
    const syntax = {
      positionals: ["one"],
      options: { address: { type: "string" }, json: { type: "boolean" } },
    } as const;
    expect(() => parseCommandLine(["x", "--address", "a", "--json", "--address=b"], syntax)).toThrow(
      "--address is given more than once",
    );
    expect(
      parseCommandLine(["x", "--json", "--address", "--json", "--json"], {
        ...syntax,
        options: { json: { type: "boolean" }, address: { type: "boolean" } },
      }).positionals,
    ).toEqual(["x"]);
  });
});
