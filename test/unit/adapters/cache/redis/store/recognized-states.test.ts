import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { MemoryCache } from "../../../../../../src/adapters/cache/memory/memory-cache.js";
import { decodeState } from "../../../../../../src/adapters/cache/redis/codec/decode-state.js";
import { encodeState } from "../../../../../../src/adapters/cache/redis/codec/encode-state.js";
import type { StateTrust } from "../../../../../../src/adapters/cache/redis/codec/sidecar-record.js";
import { RecognizedStates } from "../../../../../../src/adapters/cache/redis/store/recognized-states.js";
import { StateRead, usagesOfState } from "../../../../../../src/adapters/cache/redis/store/state-reader.js";
import { buildCustomerState, type CustomerStateInput } from "../../../../../../src/domain/build-customer-state.js";
import type { Subject } from "../../../../../../src/domain/subject.js";
import { newTelemetry } from "../../../../../../src/ports/telemetry.js";
import { amounts, optional, stateInputs, times, usages } from "../../../../../builders/arbitraries.js";
import { contentsOf } from "../../../../../builders/states.js";

const ENVIRONMENT = "env";
const TRUST: StateTrust = { verifiedAt: 5_000, recheckAt: Infinity, isVerified: true };

const newRecognizer = () => new RecognizedStates(new MemoryCache(10_000_000, newTelemetry()));

function readingOf(
  subject: Subject,
  input: CustomerStateInput,
  trust = TRUST,
  change: (text: string) => string = (text) => text,
) {
  const state = buildCustomerState(input);
  const kept = new Map<string, string>();
  for (const { key, value, updatedAt } of encodeState(ENVIRONMENT, subject, state, trust).writes) {
    kept.set(key, change(value));
    kept.set(`${key}#timestamp`, String(updatedAt ?? 0));
  }
  const read = new StateRead(ENVIRONMENT, subject, () => [...usagesOfState(state)]);
  return read.reading(
    read
      .keys()
      .map((key) =>
        key === `${ENVIRONMENT}:c_${subject.customerId}#timestamp` && subject.resourceId !== undefined
          ? "0"
          : (kept.get(key) ?? null),
      ),
  );
}

function refuse(fault: Error): never {
  throw fault;
}

const metered = (used: number, more: object = {}): CustomerStateInput => ({
  features: [
    {
      feature: { id: "seats", featureType: "NUMBER", meterType: "Fluctuating" },
      usageLimit: 10,
      usage: { currentUsage: used, periodStart: 1_000, updatedAt: 900 },
      ...more,
    },
  ],
  updatedAt: 700,
});

/** The same terms with other numbers: what customers of one plan differ in. */
const withOtherNumbers = (input: CustomerStateInput, number: number, usage: object): CustomerStateInput => ({
  ...input,
  updatedAt: input.updatedAt === undefined ? undefined : input.updatedAt + number,
  features: input.features?.map((feature) => ({
    ...feature,
    usageLimit:
      feature.usageLimit === undefined || feature.usageLimit === null ? undefined : feature.usageLimit + number,
    usage: { ...feature.usage, ...usage, currentUsage: number },
  })),
  credits: input.credits?.map((credit) => ({
    ...credit,
    usageLimit: credit.usageLimit + number,
    usage: { ...credit.usage, ...usage, currentUsage: number },
  })),
});

describe("a state that looks like one that was read before", () => {
  it("says what decoding it would have said", () => {
    fc.assert(
      fc.property(
        stateInputs,
        fc.array(fc.tuple(fc.string({ minLength: 1 }), amounts, usages), { minLength: 1, maxLength: 4 }),
        fc.record({
          verifiedAt: times,
          recheckAt: fc.oneof(times, fc.constant(Infinity)),
          isVerified: fc.boolean(),
          globalUpdatedAt: optional(times),
        }),
        optional(fc.constant("r")),
        (first, others, trust, resourceId) => {
          const recognizer = newRecognizer();
          const known = readingOf({ customerId: "known", resourceId }, first, trust);
          const decoded = decodeState(known, refuse);
          if (decoded.outcome === "found") recognizer.learn(known, decoded);
          for (const [customerId, number, usage] of others) {
            const reading = readingOf({ customerId, resourceId }, withOtherNumbers(first, number, usage), trust);
            const expected = decodeState(reading, refuse);
            const recognized = recognizer.find(reading);
            if (recognized === undefined) {
              if (expected.outcome === "found") recognizer.learn(reading, expected);
              continue;
            }
            if (expected.outcome !== "found") throw new Error(`found what is ${expected.outcome}`);
            expect({ ...recognized, state: contentsOf(recognized.state) }).toEqual({
              ...expected,
              state: contentsOf(expected.state),
            });
          }
        },
      ),
    );
  });

  it("is recognized with other numbers, and of another customer", () => {
    const recognizer = newRecognizer();
    const known = readingOf({ customerId: "a" }, metered(1));
    recognizer.learn(known, decodeState(known, refuse) as never);
    const found = recognizer.find(readingOf({ customerId: 'b"\\' }, metered(7, { usageLimit: 20 })));
    expect(found?.state.feature("seats")?.usageLimit).toBe(20);
    expect(found?.state.featureUsage("seats")).toMatchObject({ currentUsage: 7, periodStart: 1_000, updatedAt: 900 });
    expect(found?.trust).toEqual({ ...TRUST, globalUpdatedAt: undefined });
  });

  it.each<[string, CustomerStateInput, (text: string) => string]>([
    ["with another member", metered(1, { hasSoftLimit: true }), (text) => text],
    [
      "of another feature",
      {
        ...metered(1),
        features: [{ feature: { id: "seatz", featureType: "NUMBER", meterType: "Fluctuating" }, usageLimit: 10 }],
      },
      (text) => text,
    ],
    ["of another subject", metered(1), (text) => text.replace('"customerId":"b"', '"customerId":"c"')],
    ["with a number of another form", metered(1), (text) => text.replace('"usageLimit":10', '"usageLimit":1e1')],
    ["with a text for a number", metered(1), (text) => text.replace('"usageLimit":10', '"usageLimit":"10"')],
    ["that is cut off", metered(1), (text) => text.slice(0, -1)],
    ["with something behind it", metered(1), (text) => `${text} `],
  ])("is left to the decoder %s", (_, input, change) => {
    const recognizer = newRecognizer();
    const known = readingOf({ customerId: "a" }, metered(1));
    recognizer.learn(known, decodeState(known, refuse) as never);
    expect(recognizer.find(readingOf({ customerId: "a" }, metered(2)))).toBeDefined();
    expect(recognizer.find(readingOf({ customerId: "b" }, input, TRUST, change))).toBeUndefined();
  });
});

type StoredTexts = Readonly<Record<"state" | "metadata" | "usage", string>>;

const METADATA = "{}";
const recordOf = (ids: string) => `"sidecar":{"updatedAt":700,${ids},"verifiedAt":5000}`;
const usageText = (used: string, ids = "") =>
  `{${ids === "" ? "" : `${recordOf(ids)},`}"currentUsage":${used},"usagePeriodStart":"2026-01-01T00:00:00.000Z"}`;
const memberText = (id: string, { terms = "", record = "", name = `"${id}"` } = {}) =>
  `${name}:{${record === "" ? "" : `${record},`}"calculatedEntitlement":{"feature":{"id":"${id}","featureType":"NUMBER","meterType":"Fluctuating"}` +
  `,"usageLimit":10${terms}}}`;
const stateText = (...members: string[]) => `{${members.join(",")}}`;

function storedAs(subject: Subject, { state, metadata, usage }: StoredTexts, timestamp = "700") {
  const read = new StateRead(ENVIRONMENT, subject, () => [
    { type: "feature", id: "x" },
    { type: "feature", id: "y" },
  ]);
  const isOf = (key: string, mark: string) => key.includes(mark) && !key.endsWith("#timestamp");
  return read.reading(
    read.keys().map((key) => {
      if (key.endsWith("#timestamp")) return timestamp;
      if (isOf(key, "#metadata")) return metadata;
      return isOf(key, ":f_") ? usage : state;
    }),
  );
}

describe("a text that only looks like one that was read before", () => {
  const a: Subject = { customerId: "a" };
  const b: Subject = { customerId: "b" };
  const ofA = '"customerId":"a"';
  const ofB = '"customerId":"b"';
  const escaped = '"customerId":"\\u0061"';
  const texts = (state: string, usage = usageText("1"), metadata = METADATA): StoredTexts => ({
    state,
    usage,
    metadata,
  });
  const withRecord = (ids: string, terms = "") => texts(stateText(memberText("x", { record: recordOf(ids), terms })));
  const withoutRecord = (terms: string) => texts(stateText(memberText("x", { terms })));
  const withUsage = (used: string, ids = "") => texts(stateText(memberText("x")), usageText(used, ids));
  const twoMembers = (first: string, second: string) =>
    texts(stateText(memberText("x", { name: first }), memberText("y", { name: second })));
  const many = Array.from({ length: 9_000 }, (_, index) => index).join(",");

  it.each<[string, Subject, StoredTexts, Subject, StoredTexts]>([
    ["an owner spelled with an escape", a, withRecord(escaped), b, withRecord(escaped)],
    ["an owner named twice", a, withRecord(`${ofA},${escaped}`), b, withRecord(`${ofB},${escaped}`)],
    [
      "a resource spelled with an escape",
      { customerId: "a", resourceId: "a" },
      withoutRecord(',"resourceId":"\\u0061"'),
      { customerId: "a", resourceId: "b" },
      withoutRecord(',"resourceId":"\\u0061"'),
    ],
    ["a usage of an owner spelled with an escape", a, withUsage("1", escaped), b, withUsage("1", escaped)],
    ["one member twice", a, twoMembers('"m"', '"m"'), b, twoMembers('"m"', '"m"')],
    [
      "members that came to have one name",
      a,
      twoMembers('"2026-01-01T00:00:00.000Z"', '"2026-01-02T00:00:00.000Z"'),
      b,
      twoMembers('"2026-01-01T00:00:00.000Z"', '"2026-01-01T00:00:00.000Z"'),
    ],
    [
      "an id among the values of a list",
      a,
      withoutRecord(',"enumValues":["customerId","a"]'),
      b,
      withoutRecord(',"enumValues":["customerId","b"]'),
    ],
    [
      "an id in the place of a name",
      { customerId: "hasSoftLimit" },
      withoutRecord(',"enumValues":["customerId"],"hasSoftLimit":true'),
      { customerId: "hasUnlimitedUsage" },
      withoutRecord(',"enumValues":["customerId"],"hasUnlimitedUsage":true'),
    ],
    [
      "a text for a number that is a stand-in",
      a,
      withUsage('"1234567890123","more":5'),
      a,
      withUsage('"1234567890123","more":6'),
    ],
    [
      "more numbers than are kept",
      a,
      withUsage(`1,"more":[${many}],"currentUsage":7`),
      a,
      withUsage(`1,"more":[${many}],"currentUsage":8`),
    ],
    ["a leading zero", a, withUsage("1"), a, withUsage("01")],
    ["a point without digits behind it", a, withUsage("1"), a, withUsage("1.")],
    ["a point without digits before it", a, withUsage("1"), a, withUsage(".5")],
    ["a point alone", a, withUsage("1"), a, withUsage(".")],
    ["a negative zero", a, withUsage("1"), a, withUsage("-0")],
    ["an exponent", a, withUsage("1"), a, withUsage("1e3")],
    ["a number of many digits", a, withUsage("1"), a, withUsage("12345678901234567890")],
    [
      "a day that no month has",
      a,
      withUsage("1"),
      a,
      texts(stateText(memberText("x")), usageText("1").replace("01-01", "01-32")),
    ],
    [
      "a day that this month has not",
      a,
      withUsage("1"),
      a,
      texts(stateText(memberText("x")), usageText("1").replace("01-01", "02-30")),
    ],
    [
      "an hour past midnight",
      a,
      withUsage("1"),
      a,
      texts(stateText(memberText("x")), usageText("1").replace("00:00:00", "24:00:00")),
    ],
  ])("is what the decoder says: %s", (_, learner, learnt, subject, stored) => {
    const recognizer = newRecognizer();
    const known = storedAs(learner, learnt);
    const decoded = decodeState(known, () => undefined);
    if (decoded.outcome !== "found") throw new Error(`what is to be learnt is ${JSON.stringify(decoded)}`);
    recognizer.learn(known, decoded);
    const reading = storedAs(subject, stored);
    const expected = decodeState(reading, () => undefined);
    const recognized = recognizer.find(reading);
    if (recognized === undefined) return;
    expect(expected.outcome === "found" && contentsOf(expected.state)).toEqual(contentsOf(recognized.state));
  });

  it("is not its customer's metadata, or usage, for a resource", () => {
    const resource: Subject = { customerId: "a", resourceId: "r" };
    const ofResource = `${ofA},"resourceId":"r"`;
    const textsOf = (ids: string, besides = ids): StoredTexts => ({
      state: stateText(memberText("x", { record: recordOf(ids) })),
      metadata: `{${recordOf(besides)}}`,
      usage: usageText("1", besides),
    });
    const recognizer = newRecognizer();
    for (const known of [storedAs(a, textsOf(ofA)), storedAs(resource, textsOf(ofResource))])
      recognizer.learn(known, decodeState(known, refuse) as never);
    expect(recognizer.find(storedAs(a, textsOf(ofA)))).toBeDefined();
    expect(recognizer.find(storedAs(resource, textsOf(ofResource)))).toBeDefined();
    const mixed = textsOf(ofResource, ofA);
    expect(decodeState(storedAs(resource, mixed), refuse).outcome).toBe("missing");
    expect(recognizer.find(storedAs(resource, mixed))).toBeUndefined();
  });

  it("releases all that it kept ready, once too much is known of customers after too much was of resources", () => {
    const cache = new MemoryCache(10_000_000, newTelemetry());
    const recognizer = new RecognizedStates(cache);
    const learn = (subject: Subject, input: CustomerStateInput) => {
      const known = readingOf(subject, input);
      recognizer.learn(known, decodeState(known, refuse) as never);
    };
    const large = (name: string): CustomerStateInput => ({
      features: Array.from({ length: 4_100 }, (_, index) => ({
        feature: { id: `${name}${String(index)}`, featureType: "BOOLEAN", meterType: "None" },
      })),
      updatedAt: 700,
    });
    learn(a, metered(1));
    for (const name of ["x", "y"]) learn({ customerId: "a", resourceId: "r" }, large(name));
    expect(recognizer.find(readingOf(b, metered(2)))).toBeDefined();
    expect(cache.size.bytes).toBeGreaterThan(0);
    for (const name of ["x", "y"]) learn(a, large(name));
    expect(cache.size.bytes).toBe(0);
  });
});
