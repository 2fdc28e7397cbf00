import { describe, expect, it } from "@jest/globals";
import { CodedError } from "../../../../src/domain/errors.js";
import { reportFailureOf, retryAfterMsOf } from "../../../../src/domain/outbox/report-failure.js";

class Throttled extends CodedError {
  override get retryAfterMs(): number {
    return 3_000;
  }
}

describe("a failed try of a report", () => {
  it.each([
    ["that upstream refuses", new CodedError("invalid-argument", ""), "refused"],
    ["that upstream refuses, though it may count", new CodedError("not-found", "", { mayCount: true }), "refused"],
    ["that was too many", new CodedError("resource-exhausted", ""), "not-arrived"],
    ["without an answer", new CodedError("unavailable", ""), "unknown"],
    ["that was not sent", new CodedError("unavailable", "", { mayCount: false }), "not-arrived"],
    ["too many, after one that may count", new CodedError("resource-exhausted", "", { mayCount: true }), "unknown"],
    ["of a kind that was not foreseen", new TypeError("x"), "unknown"],
  ] as const)("%s says: %#", (_, error, expected) => expect(reportFailureOf(error)).toBe(expected));

  it.each([
    ["says how long upstream asks to be left alone", new Throttled("resource-exhausted", ""), 3_000],
    [
      "says so where it is the cause",
      new CodedError("unavailable", "", { cause: new Throttled("resource-exhausted", "") }),
      3_000,
    ],
    ["does not say so", new CodedError("unavailable", ""), 0],
    ["does not say so, nor does its cause", new CodedError("unavailable", "", { cause: new Error("x") }), 0],
    ["was not foreseen", new TypeError("x"), 0],
  ] as const)("%s", (_, error, expected) => expect(retryAfterMsOf(error)).toBe(expected));
});
