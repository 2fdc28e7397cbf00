import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { GoodContent } from "../../../../src/adapters/files/file-ending.js";

const CUSTOMERS = Array.from({ length: 40 }, (_, index) => `  - { id: customer-${index}, plan: pro }\n`);
const YAML = `features:\n  - { id: days, kind: numeric }\nplans:\n  - { id: pro, entitlements: { days: 3 } }\ncustomers:\n${CUSTOMERS.join("")}`;
const JSON_TEXT = JSON.stringify({ features: [], customers: CUSTOMERS.map((text) => ({ id: text })) });

function endingAfter(good: string, text: string): string {
  return new GoodContent(Buffer.from(good)).endingOf(Buffer.from(text));
}

describe("how a file ends beside its last good content", () => {
  it.each([
    ["an edit before the end", YAML.replace("days: 3", "days: 4"), "complete"],
    ["more at the end", `${YAML}  - { id: new }\n`, "unclear"],
    ["another last line", YAML.replace("customer-39", "somebody"), "unclear"],
    ["nothing in common", "features: []\ncustomers: []\n", "unclear"],
    ["the last line removed", YAML.replace(CUSTOMERS[39] ?? "", ""), "early"],
    [
      "an edit, and the last line removed",
      YAML.replace("days: 3", "days: 4").replace(CUSTOMERS[39] ?? "", ""),
      "early",
    ],
    ["the last line without its end", YAML.slice(0, -4), "cut"],
    ["nothing", "", "cut"],
  ])("%s", (_what, text, ending) => {
    expect(endingAfter(YAML, text)).toBe(ending);
  });

  it("a part of what is known is never complete", () => {
    fc.assert(
      fc.property(fc.constantFrom(YAML, JSON_TEXT), fc.nat(), (text, at) => {
        expect(["early", "cut"]).toContain(endingAfter(text, text.slice(0, at % text.length)));
      }),
    );
  });

  it("a part of JSON is cut, whatever was known before", () => {
    fc.assert(
      fc.property(fc.constantFrom(YAML, "{}", ""), fc.object(), fc.nat(), (known, value, at) => {
        const text = JSON.stringify({ ...value, last: [] });
        expect(endingAfter(known, text)).toBe("complete");
        expect(endingAfter(known, text.slice(0, 1 + (at % (text.length - 1))))).toBe("cut");
      }),
    );
  });

  it("an end that occurs earlier as well says nothing", () => {
    const item = `  - { plan: pro }\n`;
    const known = `customers:\n${item.repeat(2_000)}`;
    expect(endingAfter(known, `plans: []\ncustomers:\n${item.repeat(900)}`)).toBe("early");
    expect(endingAfter("", "a: 1\n")).toBe("unclear");
    expect(endingAfter("", "")).toBe("complete");
  });

  it("of a large content the end alone is compared", () => {
    const large = `a: 1\n${"# a comment that fills a line\n".repeat(50_000)}last: true\n`;
    expect(endingAfter(large, large.replace("a: 1", "a: 2"))).toBe("complete");
    expect(endingAfter(large, large.slice(0, -20))).toBe("cut");
    const json = JSON.stringify({ a: 1, filler: "x".repeat(2_000_000), last: [{}] });
    expect(endingAfter(json, json.replace('"a":1', '"a":2'))).toBe("complete");
    expect(endingAfter(json, json.slice(0, -1))).toBe("unclear");
    expect(endingAfter(json, json.slice(0, -9))).toBe("cut");
  });
});
