import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { splitJson } from "../../../../../src/adapters/catalog/file/split-json.js";

const anyObject = fc.record({
  before: fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 3, noNullPrototype: true }),
  list: fc.array(fc.jsonValue(), { maxLength: 5 }),
  after: fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 3, noNullPrototype: true }),
  indent: fc.constantFrom(undefined, 2, "\t"),
});

type Written = typeof anyObject extends fc.Arbitrary<infer V> ? V : never;

function textOf({ before, list, after, indent }: Written): string {
  return JSON.stringify({ ...before, ...after, customers: list, end: true }, undefined, indent);
}

function partsOf(text: string) {
  const bytes = Buffer.from(text);
  const split = splitJson(bytes, "customers");
  if (split === undefined) return undefined;
  const read = ({ start, end }: { readonly start: number; readonly end: number }) =>
    JSON.parse(bytes.toString("utf8", start, end)) as unknown;
  return {
    members: split.members.map((member) => [member.key, read(member)]),
    items: Array.from({ length: split.itemCount }, (_, index) => read(split.item(index))),
  };
}

describe("a JSON object that is read in parts", () => {
  it("has the members and items that it has when it is read at once", () => {
    fc.assert(
      fc.property(anyObject, (value) => {
        const text = textOf(value);
        const parsed = JSON.parse(text) as Record<string, unknown>;
        const parts = partsOf(text);
        if (parts === undefined)
          expect(Object.keys(parsed).some((key) => JSON.stringify(key).includes("\\"))).toBe(true);
        else {
          expect(new Map(parts.members as [string, unknown][])).toEqual(new Map(Object.entries(parsed)));
          expect(parts.items).toEqual(parsed["customers"]);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("is none where it is cut anywhere", () => {
    fc.assert(
      fc.property(anyObject, fc.nat(), (value, at) => {
        const text = textOf(value);
        expect(partsOf(text.slice(0, at % text.length))).toBeUndefined();
      }),
    );
  });

  it("is left to others, or has parts, whatever bytes it is", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'{}[]",:\\ a1\n'.split("")), maxLength: 40 }), (noise) => {
        expect(() => splitJson(Buffer.from(`{"customers":[${noise}`), "customers")).not.toThrow();
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    "",
    "[]",
    "a: 1",
    '{"a":1}',
    '{"customers":{}}',
    '{"customers":[],"customers":[]}',
    '{"customers":[1,]}',
    '{"customers":[]} x',
    '{"customers":[],}',
  ])("is none where it is %j", (text) => {
    expect(splitJson(Buffer.from(text), "customers")).toBeUndefined();
  });
});
