import { describe, expect, it, test } from "@jest/globals";
import {
  compareAnswers,
  type FieldValue,
  type ObservedAnswer,
} from "../../../../src/domain/comparison/compare-answers.js";
import { lastingDifferences } from "../../../../src/domain/comparison/lasting-differences.js";

const GRANTED = { hasAccess: true, isFallback: false, kind: "metered", usageLimit: 10, currentUsage: 3 };

function answer(fields: Readonly<Record<string, FieldValue>>, item = ""): ObservedAnswer {
  return { failure: undefined, items: new Map([[item, new Map(Object.entries(fields))]]) };
}

const failed = (failure: string): ObservedAnswer => ({ failure, items: new Map() });

describe("two answers", () => {
  it("that say the same do not differ, in whatever order", () => {
    const fields = Object.fromEntries(Object.entries(GRANTED).reverse());
    expect(compareAnswers(answer(GRANTED), answer(fields))).toEqual([]);
  });

  test.each([
    { is: "access", field: "hasAccess", there: true, here: false },
    { is: "reason", field: "accessDeniedReason", there: "REVOKED", here: "UNKNOWN" },
    { is: "fallback", field: "isFallback", there: false, here: true },
    { is: "limit", field: "usageLimit", there: 10, here: 11 },
    { is: "limit", field: "isUnlimited", there: true, here: false },
    { is: "limit", field: "value", there: 5, here: 6 },
    { is: "values", field: "enumValues", there: '"a"', here: '"a" "b"' },
    { is: "usage", field: "currentUsage", there: 3, here: 4 },
    { is: "period", field: "usagePeriodEnd", there: "2026-01-01T00:00:00Z", here: "2026-02-01T00:00:00Z" },
    { is: "description", field: "feature.units", there: "seat", here: "user" },
  ])("differ in $is by $field", ({ is, field, there, here }) => {
    expect(compareAnswers(answer({ ...GRANTED, [field]: there }), answer({ ...GRANTED, [field]: here }))).toEqual([
      { class: is, item: "", field, incumbent: there, candidate: here },
    ]);
  });

  it("differ by a field that one does not have", () => {
    expect(compareAnswers(answer(GRANTED), answer({ ...GRANTED, accessDeniedReason: "REVOKED" }))).toEqual([
      { class: "reason", item: "", field: "accessDeniedReason", incumbent: undefined, candidate: "REVOKED" },
    ]);
  });

  it("of two kinds differ in the kind, and not in what only one of them has", () => {
    expect(
      compareAnswers(answer(GRANTED), answer({ hasAccess: true, isFallback: false, kind: "boolean" })),
    ).toMatchObject([{ class: "kind", incumbent: "metered", candidate: "boolean" }]);
  });

  it("differ by what only one of them lists", () => {
    expect(compareAnswers(answer(GRANTED, "seats"), answer(GRANTED, "sso"))).toMatchObject([
      { class: "entitlement", item: "seats", incumbent: "listed", candidate: undefined },
      { class: "entitlement", item: "sso", incumbent: undefined, candidate: "listed" },
    ]);
  });

  test.each([
    { there: failed("Unavailable"), here: answer(GRANTED), outcomes: ["Unavailable", "answered"] },
    { there: answer(GRANTED), here: failed("NotFound"), outcomes: ["answered", "NotFound"] },
    { there: failed("Unavailable"), here: failed("NotFound"), outcomes: ["Unavailable", "NotFound"] },
  ])("of which not both came differ in their failure: $outcomes", ({ there, here, outcomes }) => {
    expect(compareAnswers(there, here)).toMatchObject([
      { class: "error", incumbent: outcomes[0], candidate: outcomes[1] },
    ]);
  });

  it("that failed alike do not differ", () => {
    expect(compareAnswers(failed("NotFound"), failed("NotFound"))).toEqual([]);
  });
});

describe("differences, asked again", () => {
  const differing = (field: string, there: FieldValue, here: FieldValue) =>
    compareAnswers(answer({ ...GRANTED, [field]: there }), answer({ ...GRANTED, [field]: here }));

  it("last where they are still there", () => {
    expect(lastingDifferences(differing("usageLimit", 10, 11), differing("usageLimit", 10, 11))).toHaveLength(1);
  });

  it("do not last where they are gone, or where it is another that has come", () => {
    expect(lastingDifferences(differing("usageLimit", 10, 11), [])).toEqual([]);
    expect(lastingDifferences(differing("usageLimit", 10, 11), differing("isUnlimited", true, false))).toEqual([]);
  });

  it("last where one of them tells no usage at all", () => {
    const untold = { hasAccess: true, isFallback: false, kind: "metered", usageLimit: 10 };
    const differing = compareAnswers(answer(untold), answer(GRANTED));
    expect(lastingDifferences(differing, differing)).toMatchObject([{ class: "usage", field: "currentUsage" }]);
  });

  test.each([
    { first: [8, 5], again: [12, 8], lasts: false, why: "the candidate has come to where the incumbent was" },
    { first: [5, 8], again: [9, 12], lasts: false, why: "the incumbent has come beyond where the candidate was" },
    { first: [8, 5], again: [2, 1], lasts: false, why: "usage has begun again meanwhile" },
    { first: [8, 5], again: [8, 5], lasts: true, why: "neither has moved" },
    { first: [8, 5], again: [8, 6], lasts: true, why: "the candidate has not come far enough" },
  ])("of usage last: $lasts, as $why", ({ first, again, lasts }) => {
    const before = differing("currentUsage", first[0] as number, first[1] as number);
    const after = differing("currentUsage", again[0] as number, again[1] as number);
    expect(lastingDifferences(before, after)).toHaveLength(lasts ? 1 : 0);
  });
});
