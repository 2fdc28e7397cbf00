import { describe, expect, it } from "@jest/globals";
import { loadCatalogObject, loadCatalogText } from "../../../../../src/adapters/catalog/file/load-catalog.js";
import { CodedError } from "../../../../../src/domain/errors.js";

function faultOf(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    expect(error).toBeInstanceOf(CodedError);
    expect((error as CodedError).code).toBe("invalid-argument");
    return (error as CodedError).message;
  }
  return "no fault";
}

const inFile = (text: string) => faultOf(() => loadCatalogText("catalog.yaml", text));

const HEAD = `features:
  - { id: sso, kind: boolean }
  - { id: days, kind: numeric }
  - { id: formats, kind: enum, values: [pdf, html] }
  - { id: calls, kind: metered }
creditCurrencies:
  - id: ink
`;

/** Texts that begin at line 8, so that a table can tell the line of a fault. */
const after = (text: string) => inFile(HEAD + text);

describe("a catalog file with a fault", () => {
  it.each([
    ["", /catalog\.yaml:?.* must be a mapping, not nothing/],
    ["just text", /catalog\.yaml:1:1 must be a mapping, not "just text"/],
    [
      "features: []\ncustomers:\n  - { id: c, usage: { m: .inf } }",
      /catalog\.yaml:3:\d+ .*usage\.m: must be a number, not Infinity$/m,
    ],
    [
      "features: []\nplans:\n  - { id: p, entitlements: { m: .nan } }\ncustomers: []",
      /catalog\.yaml:3:\d+ .*entitlements\.m: must be .*, not NaN$/m,
    ],
    ["features: []", /catalog\.yaml:1:1 "customers" is missing; add it/],
    ["features: [\n  { id: a }\n  - x\n", /catalog\.yaml:3:\d+ .*; correct it as YAML or JSON/],
    ['{ "features": [], "customers": [] ', /catalog\.yaml:1:\d+ .*; correct it as YAML or JSON/],
    ["features: []\nfeatures: []\ncustomers: []", /catalog\.yaml:2:1 Map keys must be unique/],
    ["features: []\n'features': []\ncustomers: []", /catalog\.yaml:2:1 Map keys must be unique/],
    ['{ "features": [], "\\u0066eatures": [], "customers": [] }', /catalog\.yaml:1:\d+ Map keys must be unique/],
    [
      '{ "features": [], "customers": [{ "id": "c", "usage": { "__proto__": 1, "__proto__": 2 } }] }',
      /catalog\.yaml:1:\d+ Map keys must be unique/,
    ],
    [
      'customers:\n  - id: c\n    usage:\n      "1": 5\n      1: 6',
      /catalog\.yaml:5:7 the key "1" is in this mapping already, in line 4 and written in another way; keys are unique, rename or remove one/,
    ],
    ["customers:\n  - id: c\n    usage: { 16: 5, 0x10: 6 }", /catalog\.yaml:3:\d+ Map keys must be unique/],
    [
      'customers:\n  - id: c\n    usage: { true: 5, "true": 6 }',
      /catalog\.yaml:3:\d+ the key "true" is in this mapping already/,
    ],
    ['customers:\n  - id: c\n    usage: { 1.50: 5, "1.5": 6 }', /the key "1\.5" is in this mapping already/],
    ['customers:\n  - id: c\n    usage: { ~: 5, "": 6 }', /the key "" is in this mapping already/],
    ["x: &k abc\ncustomers:\n  - id: c\n    usage: { *k : 5, abc: 6 }", /the key "abc" is in this mapping already/],
    [
      "features: []\ncustomers: []\nplans: []\n---\nfeatures: []",
      /catalog\.yaml:4:\d+ Source contains multiple documents/,
    ],
    [
      "features: []\ncustomers: []\nplan: []",
      /catalog\.yaml:3:1 plan: there is no field "plan"; did you mean "plans"\?/,
    ],
    [
      "features: []\ncustomers:\n  - id: 42",
      /catalog\.yaml:3:5 customers\[0\]\.id: must be a string, not 42; put it in quotes/,
    ],
    ["features: []\ncustomers:\n  - id: ''", /catalog\.yaml:3:5 customers\[0\]\.id: must not be empty/],
    [
      "features:\n  - id: a\n    kind: switch\ncustomers: []",
      /catalog\.yaml:3:5 features\[0\]\.kind: "switch" is not one of "boolean", "numeric", "metered", "enum"/,
    ],
    [
      "features: *nothing\ncustomers: []",
      /catalog\.yaml:1:11 there is no anchor &nothing before this; define it, or put the text in quotes/,
    ],
    [`a: &a [x, x]\nx-b: ${"[".repeat(20_000)}`, /catalog\.yaml:/],
  ])("that is no catalog: %j", (text, message) => {
    expect(inFile(text)).toMatch(message);
  });

  it.each([
    [
      "customers:\n  - { id: a, overrides: { calls: 9007199254740993 } }",
      /is beyond 2\^53, where numbers cannot be kept exactly; use a larger unit/,
    ],
    ["customers:\n  - { id: a, usage: { calls: 9007199254740992 } }", /is beyond 2\^53/],
    [
      "customers:\n  - { id: a, plan: gold }",
      /:9:14 customers\[0\]\.plan: there is no plan "gold", and the catalog defines none/,
    ],
    [
      "plans:\n  - id: pro\ncustomers:\n  - { id: a, plan: prp }",
      /:11:14 customers\[0\]\.plan: there is no plan "prp"; there is "pro"/,
    ],
    [
      "customers:\n  - id: a\n  - id: a",
      /:10:5 customers\[1\]\.id: there is a customer "a" already; ids are unique, rename or remove one/,
    ],
    ["plans:\n  - id: a\n  - id: a\ncustomers: []", /:10:5 plans\[1\]\.id: there is a plan "a" already/],
    [
      "customers:\n  - id: a\n    resources:\n      - id: r\n      - id: r",
      /:12:9 customers\[0\]\.resources\[1\]\.id: there is a resource "r" already/,
    ],
    [
      "plans:\n  - id: p\n    entitlements:\n      call: 3\ncustomers: []",
      /:11:7 plans\[0\]\.entitlements\.call: there is no feature "call"; there is "calls"/,
    ],
    [
      "plans:\n  - id: p\n    entitlements:\n      sso: 3\ncustomers: []",
      /:11:7 .*3 does not fit boolean feature "sso"; write true or false/,
    ],
    [
      "plans:\n  - id: p\n    entitlements:\n      calls: true\ncustomers: []",
      /true does not fit metered feature "calls"; write a number, "unlimited" or false/,
    ],
    [
      "plans:\n  - id: p\n    entitlements:\n      calls: lots\ncustomers: []",
      /:11:7 .*"lots" means nothing here; write true, false, a number, "unlimited" or a list/,
    ],
    ["plans:\n  - id: p\n    entitlements:\n      calls: -1\ncustomers: []", /-1 is below 0; write a number from 0 up/],
    ["plans:\n  - id: p\n    entitlements:\n      calls: .inf\ncustomers: []", /:11:7 .*must be/],
    [
      "plans:\n  - id: p\n    entitlements:\n      calls: {}\ncustomers: []",
      /:11:7 .*how much\? add "limit", or unlimited: true/,
    ],
    [
      "plans:\n  - id: p\n    entitlements:\n      days: {}\ncustomers: []",
      /which number\? add "value", or unlimited: true/,
    ],
    [
      "plans:\n  - id: p\n    entitlements:\n      calls: { limt: 3 }\ncustomers: []",
      /:11:16 .*there is no field "limt"; did you mean "limit"\?/,
    ],
    [
      "plans:\n  - id: p\n    entitlements:\n      sso: { limit: 3 }\ncustomers: []",
      /"limit" does not apply to boolean feature "sso"; fields here are creditRate, revoked, validUntil/,
    ],
    [
      "plans:\n  - id: p\n    entitlements:\n      calls: { limit: 3, unlimited: true }\ncustomers: []",
      /a limit and no limit at once; keep one of them/,
    ],
    [
      "plans:\n  - id: p\n    entitlements:\n      calls: { limit: 3, resetPeriod: DAY, resetAnchor: StartOfTheMonth }\ncustomers: []",
      /StartOfTheMonth goes with resetPeriod: MONTH; set that, or resetAnchor: SubscriptionStart/,
    ],
    [
      "plans:\n  - id: p\n    entitlements:\n      calls: { limit: 3, resetPeriod: month }\ncustomers: []",
      /"month" is not one of "YEAR", "MONTH", "WEEK", "DAY", "HOUR"/,
    ],
    [
      "plans:\n  - id: p\n    entitlements:\n      calls: { creditRate: { currency: inc, amount: 1 } }\ncustomers: []",
      /:11:\d+ .*creditRate\.currency: there is no credit currency "inc"; there is "ink"/,
    ],
    [
      "plans:\n  - id: p\n    entitlements:\n      formats: [pdf, doc]\ncustomers: []",
      /:11:7 .*enum feature "formats" has no value "doc"; its values are pdf, html/,
    ],
    [
      "plans:\n  - id: p\n    includedCredits: [{ currency: ink, amount: 1 }, { currency: ink, amount: 2 }]\ncustomers: []",
      /:10:\d+ .*the plan includes "ink" already; put both amounts into one entry/,
    ],
    [
      "customers:\n  - { id: a, startedAt: yesterday }",
      /:9:14 customers\[0\]\.startedAt: "yesterday" is not a date; write 2026-03-01, 2026-03-01T09:30:00Z or epoch/,
    ],
    ["customers:\n  - { id: a, startedAt: 2026-02-30 }", /"2026-02-30" is not a date/],
    ["customers:\n  - { id: a, startedAt: 2026-02-03T10:00:00 }", /"2026-02-03T10:00:00" is not a date/],
    [
      "customers:\n  - { id: a, usage: { sso: 1 } }",
      /nothing is counted of boolean feature "sso"; remove it, or make the feature metered/,
    ],
    [
      "customers:\n  - { id: a, creditsUsed: { ink: 1 } }",
      /there is no wallet of "ink", and .*; a wallet comes with included credits, grants or a credit rate/,
    ],
    [
      "customers:\n  - id: a\n    creditGrants: [{ id: g, currency: ink, amount: 1 }, { id: g, currency: ink, amount: 1 }]",
      /there is a grant "g" already/,
    ],
    ["customers:\n  - id: a\n    overrides:\n      calls: { softLimit: true }", /:11:7 .*how much\?/],
    [
      "customers:\n  - id: a.b\n    overrides:\n      'x y': 1",
      /customers\[0\]\.overrides\."x y": there is no feature "x y"/,
    ],
  ])("in what it says: %j", (text, message) => {
    expect(after(text)).toMatch(message);
  });

  it.each([
    [
      "{ id: w, kind: metered, meter: { event: e, aggregation: sum } }",
      /a sum needs a "dimension" to add up; name it, or use aggregation: count/,
    ],
    [
      "{ id: w, kind: metered, meter: { event: e, dimension: d } }",
      /a count adds up no dimension; remove it, or use aggregation: sum/,
    ],
    [
      "{ id: w, kind: boolean, meter: { event: e } }",
      /"meter" does not apply to a feature of kind boolean; remove it, or make the feature metered/,
    ],
    ["{ id: w, kind: metered, values: [a] }", /"values" does not apply to a feature of kind metered/],
    ["{ id: w, kind: numeric, meterType: Fluctuating }", /"meterType" does not apply to a feature of kind numeric/],
  ])("in a feature: %s", (feature, message) => {
    expect(inFile(`features:\n  - ${feature}\ncustomers: []`)).toMatch(message);
  });

  it("tells all of them at once, each with its place", () => {
    const message = after(
      "customers:\n  - { id: a, plan: x }\n  - { id: a, usage: { y: 1 } }\n  - { id: b, validUntil: never }\n",
    );
    expect(message).toMatch(
      /^the catalog has 3 faults:\n {2}catalog.yaml:9:14 .*\n {2}catalog.yaml:10:\d+ .*\n {2}catalog.yaml:11:14 /,
    );
  });

  it("tells the first fifty of very many", () => {
    const customers = Array.from({ length: 80 }, (_, index) => `  - { id: c${index}, plan: x }`).join("\n");
    const message = after(`customers:\n${customers}`);
    expect(message.split("\n")).toHaveLength(52);
    expect(message).toMatch(/^the catalog has 80 faults[^]*… and 30 more$/);
  });

  it("finds a place behind anchors and merge keys", () => {
    const text = `x-terms: &terms\n  calls: { limt: 1 }\nfeatures: [{ id: calls, kind: metered }]\nplans:\n  - id: p\n    entitlements:\n      <<: *terms\ncustomers: []`;
    expect(inFile(text)).toMatch(/catalog\.yaml:2:12 plans\[0\]\.entitlements\.calls\.limt: there is no field "limt"/);
  });

  it("does not unfold a document without end", () => {
    const layers = Array.from(
      { length: 12 },
      (_, i) => `  - &l${i + 1} [${Array.from({ length: 9 }, () => `*l${i}`).join(", ")}]`,
    );
    expect(inFile(`x-bomb:\n  - &l0 [lol]\n${layers.join("\n")}\nfeatures: []\ncustomers: []`)).toMatch(
      /Excessive alias count.*; repeat anchors less often/,
    );
  });
});

describe("a catalog object with a fault", () => {
  it.each([
    [undefined, /catalog object must be a mapping, not nothing/],
    [{ features: [] }, /catalog object "customers" is missing; add it/],
    [
      { features: [], customers: [{ id: "a", plan: "b" }] },
      /catalog object customers\[0\]\.plan: there is no plan "b"/,
    ],
    [{ features: [], customers: [{ id: "a", startedAt: NaN }] }, /must be a string or an integer, not/],
    [{ features: [], customers: [{ id: Symbol("a") }] }, /must be a string, not a symbol/],
  ])("%j", (catalog, message) => {
    expect(faultOf(() => loadCatalogObject(catalog))).toMatch(message);
  });
});

describe("what is no fault", () => {
  it.each([
    [
      "one anchor for a thousand customers",
      `x-c: &c { startedAt: 2026-01-01 }\nfeatures: []\ncustomers:\n${Array.from({ length: 1000 }, (_, i) => `  - { <<: *c, id: c${i} }`).join("\n")}`,
    ],
    [
      "ids that objects have by birth",
      "features: [{ id: __proto__, kind: boolean }, { id: constructor, kind: boolean }]\nplans: [{ id: toString, entitlements: { __proto__: true, constructor: true } }]\ncustomers: [{ id: __proto__, plan: toString }]",
    ],
    ["JSON with a byte order mark", '\ufeff{ "features": [], "customers": [] }'],
    ["Windows line ends", "features: []\r\ncustomers: []\r\n"],
  ])("%s", (_what, text) => {
    expect(inFile(text)).toBe("no fault");
  });

  it("entitles by ids that objects have by birth", () => {
    const model = loadCatalogText(
      "c",
      "features: [{ id: __proto__, kind: boolean }]\nplans: [{ id: p, entitlements: { __proto__: true } }]\ncustomers: []",
    );
    expect([...(model.plans.get("p")?.entitlements.keys() ?? [])]).toEqual(["__proto__"]);
  });
});
