import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { parse } from "yaml";
import { loadCatalogText } from "../../../../../src/adapters/catalog/file/load-catalog.js";
import { parsePlainJson } from "../../../../../src/adapters/catalog/file/parse-catalog-text.js";

describe("a catalog's text that is JSON", () => {
  it("means what it means as YAML, or is left to YAML", () => {
    const texts = fc.tuple(
      fc.dictionary(fc.string(), fc.jsonValue(), { noNullPrototype: true }),
      fc.constantFrom(undefined, 2),
    );
    fc.assert(
      fc.property(texts, ([value, indent]) => {
        const text = JSON.stringify(value, undefined, indent);
        const read = parsePlainJson(text);
        if (read !== undefined) expect(read.value).toEqual(parse(text, { merge: true }));
      }),
    );
  });

  it.each<[string, string]>([
    ["an object", '{"features": [{"id": "a:b", "kind": "boolean"}], "plans": []}'],
    ["an object after white space", ' \n {"features": ["\\"", ":", "\\\\"]}\n'],
    ["objects in lists", '{"a": [{"b": 1}, {"b": 2}], "c": {"d": {}}}'],
  ])("is read at once where it is %s", (_, text) => {
    expect(parsePlainJson(text)).toEqual({ value: JSON.parse(text) as unknown });
  });

  it.each<[string, string]>([
    ["has a key twice", '{"a": 1, "a": 2}'],
    ["has a key twice, deep inside", '{"a": [{"b": {"c": 1, "c": 1}}]}'],
    ["has a key twice, once escaped", '{"a": 1, "\\u0061": 2}'],
    ["merges", '{"<<": {"a": 1}}'],
    ["has a key of objects", '{"__proto__": {"a": 1}}'],
    ["is no object", "[1]"],
    ["is cut off", '{"a": 1'],
    ["is YAML", "a: 1"],
    ["is YAML in braces", "{a: 1}"],
  ])("is left to YAML where it %s", (_, text) => {
    expect(parsePlainJson(text)).toBeUndefined();
  });

  it("has its faults told with their places", () => {
    const text = '{\n  "features": [\n    {"id": "a", "kind": "bolean"}\n  ]\n}';
    expect(() => loadCatalogText("catalog.json", text)).toThrow(/catalog\.json:3:\d+/);
    expect(() => loadCatalogText("catalog.json", '{\n  "features": [],\n  "features": []\n}')).toThrow(
      /catalog\.json:3:\d+.*unique/s,
    );
  });
});
