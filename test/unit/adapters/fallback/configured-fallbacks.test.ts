import { describe, expect, it } from "@jest/globals";
import {
  ConfiguredFallbackProvider,
  parseFallbacks,
  parseFallbacksJson,
} from "../../../../src/adapters/fallback/configured-fallbacks.js";
import { CodedError } from "../../../../src/domain/errors.js";

function faultsOf(json: string): string {
  try {
    parseFallbacksJson(json);
  } catch (error) {
    if (error instanceof CodedError && error.code === "invalid-argument") return error.message;
    throw error;
  }
  throw new Error("the fallbacks were accepted");
}

describe("configured fallbacks", () => {
  it("are read with every field that there is", () => {
    const json =
      '{"a":{"hasAccess":true,"usageLimit":10,"isUnlimited":false,"value":1.5,"enumValues":["x","y"]},"b":{"hasAccess":false}}';
    expect([...parseFallbacksJson(json)]).toEqual([
      ["a", { hasAccess: true, usageLimit: 10, isUnlimited: false, value: 1.5, enumValues: ["x", "y"] }],
      ["b", { hasAccess: false }],
    ]);
  });

  it("take null for what is left out", () => {
    expect(parseFallbacks({ a: { hasAccess: true, usageLimit: null, enumValues: null } }).get("a")).toEqual({
      hasAccess: true,
    });
  });

  it("may be for a feature of any name", () => {
    const provider = new ConfiguredFallbackProvider(
      parseFallbacksJson('{"__proto__":{"hasAccess":true},"a.b c":{"hasAccess":true}}'),
    );
    expect(provider.fallbackOf("__proto__")).toEqual({ hasAccess: true });
    expect(provider.fallbackOf("a.b c")).toEqual({ hasAccess: true });
    expect(provider.fallbackOf("toString")).toBeUndefined();
    expect([...provider.all().keys()]).toEqual(["__proto__", "a.b c"]);
  });

  it.each([
    ["[]", "must be an object from feature id to fallback, not an array"],
    ["null", "must be an object from feature id to fallback, not null"],
    ["nope", "is not JSON"],
    ['{"":{"hasAccess":true}}', '[""]: a feature id must not be empty'],
    ['{"a":true}', '["a"]: must be an object such as {"hasAccess": true}, not boolean true'],
    ['{"a":{}}', '["a"].hasAccess: is required, true or false'],
    ['{"a":{"hasAccess":null}}', '["a"].hasAccess: must be true or false, not null'],
    ['{"a":{"hasAccess":"true"}}', '["a"].hasAccess: must be true or false, not string "true"'],
    ['{"a":{"hasAccess":true,"usageLimit":"10"}}', '["a"].usageLimit: must be a number, not string "10"'],
    ['{"a":{"hasAccess":true,"value":1e999}}', '["a"].value: must be a number, not number Infinity'],
    ['{"a":{"hasAccess":true,"isUnlimited":1}}', '["a"].isUnlimited: must be true or false, not number 1'],
    ['{"a":{"hasAccess":true,"enumValues":["x",1]}}', '["a"].enumValues: must be an array of strings, not an array'],
    [
      '{"a":{"hasAccess":true,"usage_limit":1}}',
      '["a"].usage_limit: is not a field of a fallback; there are hasAccess, usageLimit',
    ],
    ['{"a":{"hasAccess":true,"toString":1}}', '["a"].toString: is not a field of a fallback'],
  ])("%s is refused by name", (json, fault) => {
    expect(faultsOf(json)).toContain(fault);
  });

  it("are refused with all faults at once", () => {
    expect(faultsOf('{"a":{},"b":{"hasAccess":1},"c":3}').split("; ")).toHaveLength(3);
  });
});
