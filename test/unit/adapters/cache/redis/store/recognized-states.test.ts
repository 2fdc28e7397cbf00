import fc from "fast-check";
import { describe, expect, it } from "@jest/globals";
import { MemoryCache } from "../../../../../../src/adapters/cache/memory/memory-cache.js";
import { decodeState } from "../../../../../../src/adapters/cache/redis/codec/decode-state.js";
import { encodeState } from "../../../../../../src/adapters/cache/redis/codec/encode-state.js";
import { RecognizedStates } from "../../../../../../src/adapters/cache/redis/store/recognized-states.js";
import { StateRead } from "../../../../../../src/adapters/cache/redis/store/state-read.js";
import type { StateTrust } from "../../../../../../src/adapters/cache/redis/codec/sidecar-record.js";
import { usagesOfState } from "../../../../../../src/adapters/cache/redis/store/state-usages.js";
import { buildCustomerState, type CustomerStateInput } from "../../../../../../src/domain/build-customer-state.js";
import type { Subject } from "../../../../../../src/domain/subject.js";
import { newTelemetry } from "../../../../../../src/ports/telemetry.js";
import { amounts, times, optional, stateInputs, usages } from "../../../../../builders/arbitraries.js";
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
  const read = new StateRead(ENVIRONMENT, subject, [...usagesOfState(state)]);
  return read.reading(
    read.keys.map((key) =>
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
