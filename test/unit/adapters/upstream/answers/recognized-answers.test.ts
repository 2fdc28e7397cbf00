import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { encodeEntitlementsV2 } from "../../../../../src/adapters/emulator/encoding/encode-state.js";
import { RecognizedAnswers } from "../../../../../src/adapters/upstream/answers/recognized-answers.js";
import type { CustomerState } from "../../../../../src/domain/customer-state.js";
import { decodeEntitlementsState } from "../../../../../src/wire/decode-entitlements-state.js";
import { states } from "../../../../builders/arbitraries.js";
import { contentsOf } from "../../../../builders/states.js";

const NOW = Date.UTC(2026, 5, 1);

const seats = (more: object = {}, feature: object = {}) => ({
  __typename: "FeatureEntitlement",
  isGranted: true,
  accessDeniedReason: null,
  usageLimit: 10,
  currentUsage: 3,
  usageUpdatedAt: "2026-01-15T00:00:00.000Z",
  entitlementUpdatedAt: "2026-01-14T00:00:00.000Z",
  usagePeriodEnd: "2026-02-01T00:00:00.000Z",
  validUntil: null,
  ...more,
  feature: { refId: "seats", displayName: "Seats", featureType: "NUMBER", meterType: "Fluctuating", ...feature },
});
const sso = { __typename: "FeatureEntitlement", feature: { refId: "sso", featureType: "BOOLEAN" } };
const answer = (entitlementsV2: readonly unknown[], more: object = {}) =>
  JSON.stringify({ data: { entitlementsState: { accessDeniedReason: null, entitlementsV2, ...more } } });

function decode(text: string): CustomerState {
  const { data } = JSON.parse(text) as { readonly data: unknown };
  return decodeEntitlementsState(data, (fault) => {
    throw fault;
  });
}

function after(...texts: readonly string[]): RecognizedAnswers {
  const answers = new RecognizedAnswers();
  for (const text of texts) answers.learn(text, decode(text));
  return answers;
}

const said = (state: CustomerState | undefined) => state && contentsOf(state);

describe("an answer that differs from a known one in numbers and times", () => {
  it.each<[what: string, known: string, text: string]>([
    ["usage", answer([seats()]), answer([seats({ currentUsage: 4.25 })])],
    ["a limit", answer([seats()]), answer([seats({ usageLimit: 200 })])],
    ["times", answer([seats()]), answer([seats({ usagePeriodEnd: "2026-03-31T23:59:59.999Z" })])],
    [
      "times as epoch milliseconds",
      answer([seats({ usageUpdatedAt: 1_768_435_200_000 })]),
      answer([seats({ usageUpdatedAt: 1_768_435_200_001 })]),
    ],
    [
      "an end",
      answer([seats({ validUntil: "2026-03-01T00:00:00.000Z" }), sso]),
      answer([seats({ validUntil: "2026-03-02T00:00:00.000Z" }), sso]),
    ],
    [
      "a reason",
      answer([seats(), sso], { accessDeniedReason: "X" }),
      answer([seats(), sso], { accessDeniedReason: "X" }),
    ],
  ])("is told without being parsed: %s", (_, known, text) => {
    const found = after(known).find(text);
    expect(found).toBeDefined();
    expect(said(found)).toEqual(said(decode(text)));
  });
});

describe("an answer that differs in anything else", () => {
  it.each<[what: string, known: string, text: string]>([
    ["nothing known before", answer([sso]), answer([seats()])],
    ["a name", answer([seats()]), answer([seats({}, { displayName: "Places" })])],
    ["an id", answer([seats()]), answer([seats({}, { refId: "seats2" })])],
    ["a reason", answer([seats()]), answer([seats()], { accessDeniedReason: "X" })],
    ["an entitlement's reason", answer([seats()]), answer([seats({ accessDeniedReason: "X" })])],
    ["one entitlement more", answer([seats()]), answer([seats(), sso])],
    ["one fewer", answer([seats(), sso]), answer([seats()])],
    ["no limit", answer([seats()]), answer([seats({ usageLimit: null })])],
    ["a negative number", answer([seats()]), answer([seats({ currentUsage: -1 })])],
    ["a number that is a text", answer([seats()]), answer([seats({ usageLimit: "10" })])],
    ["a time that is none", answer([seats()]), answer([seats({ usagePeriodEnd: "2026-13-01T00:00:00.000Z" })])],
    ["errors beside it", answer([seats()]), answer([seats()]).replace(/}$/, ',"errors":[{"message":"no"}]}')],
    ["a second list behind it", answer([seats()]), answer([seats()]).replace(/}}}$/, '},"entitlementsV2":[]}}}')],
    ["something behind it", answer([seats()]), `${answer([seats()])} x`],
    ["less than all of it", answer([seats()]), answer([seats()]).slice(0, -1)],
    ["one id twice", answer([seats()]), answer([seats(), seats()])],
    ["an empty list", answer([]), answer([])],
  ])("is left to the decoder: %s", (_, known, text) => {
    expect(after(known).find(text)).toBeUndefined();
  });

  it("is left to it where the list is another member of the same name", () => {
    const [first, second] = [answer([seats()]), answer([sso])];
    const inner = '"entitlementsV2":[';
    const list = first.slice(first.indexOf(inner), first.lastIndexOf("]") + 1);
    const text = second.replace(inner, `${list},${inner}`);
    expect(said(decode(text))).toEqual(said(decode(second)));
    expect(after(text).find(text)).toBeUndefined();
  });
});

it("says of any answer what the decoder says, or nothing", () => {
  const texts = fc.array(
    states.map((state) => answer(encodeEntitlementsV2(state, NOW), { accessDeniedReason: state.accessDeniedReason })),
    { minLength: 1, maxLength: 6 },
  );
  const changes = fc.tuple(fc.nat(500), fc.constantFrom("0", "7", "1e3", "-", ".", '"', "null", "00"));
  fc.assert(
    fc.property(texts, changes, (known, [at, put]) => {
      const answers = after(...known);
      for (const text of known) {
        const found = answers.find(text);
        if (found !== undefined) expect(said(found)).toEqual(said(decode(text)));
        const changed = text.slice(0, at % text.length) + put + text.slice((at % text.length) + 1);
        const foundChanged = answers.find(changed);
        if (foundChanged !== undefined) expect(said(foundChanged)).toEqual(said(decode(changed)));
      }
    }),
    { numRuns: 300 },
  );
});
