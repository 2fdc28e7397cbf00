import { describe, expect, it } from "@jest/globals";
import {
  type Answerer,
  dataOf,
  isRefusalOfBody,
  isRefusalOfPath,
  isRefusalOfReport,
} from "../../../../../src/adapters/upstream/client/answer-data.js";
import {
  isRefusal,
  isUpstreamsFailure,
  isWorthRetrying,
  parseRetryAfter,
  ThrottledError,
} from "../../../../../src/adapters/upstream/resilience/operation.js";
import { type ErrorCode, errorCodeOf } from "../../../../../src/domain/errors.js";
import { isWordlessRefusal } from "../../../../../src/domain/outbox/report-failure.js";
import { fail } from "../../../../support/expectations.js";

const ANSWERERS: Readonly<Record<"path" | "body" | "report", Answerer>> = {
  path: { name: "Edge", isRefusal: isRefusalOfPath },
  body: { name: "Edge", isRefusal: isRefusalOfBody },
  report: { name: "Edge", isRefusal: isRefusalOfReport, takesReports: true },
};

function failureOf(status: number, of: keyof typeof ANSWERERS, body?: unknown): unknown {
  try {
    dataOf({ status, body, retryAfterMs: undefined }, ANSWERERS[of]);
  } catch (error) {
    return error;
  }
  return fail(`HTTP ${status} is no success`);
}

const ALL_4XX = Array.from({ length: 100 }, (_, i) => 400 + i);
/** About the key, the pace or the way: not about who is asked for. */
const NOT_ABOUT_THE_SUBJECT: ReadonlyMap<number, ErrorCode> = new Map([
  [401, "unauthenticated"],
  [403, "unavailable"],
  [407, "unavailable"],
  [408, "unavailable"],
  [421, "unavailable"],
  [425, "unavailable"],
  [429, "resource-exhausted"],
]);

describe("an error status", () => {
  it("of 4xx that is about a path is a refusal of its subject alone, and not asked again", () => {
    for (const status of ALL_4XX.filter((candidate) => !NOT_ABOUT_THE_SUBJECT.has(candidate))) {
      const failure = failureOf(status, "path");
      expect([status, errorCodeOf(failure)]).toEqual([status, "invalid-argument"]);
      expect([isRefusal(failure), isUpstreamsFailure(failure), isWorthRetrying(failure)]).toEqual([true, false, false]);
    }
  });

  it.each([...NOT_ABOUT_THE_SUBJECT])("%i is %s, of a path and of a body", (status, code) => {
    for (const place of ["path", "body"] as const) {
      const failure = failureOf(status, place);
      expect(errorCodeOf(failure)).toBe(code);
      expect([isRefusal(failure), isUpstreamsFailure(failure)]).toEqual([false, true]);
    }
  });

  it("of 4xx is a refusal of a body only where the body can be meant", () => {
    expect(ALL_4XX.filter((status) => isRefusal(failureOf(status, "body")))).toEqual([400, 413, 422]);
  });

  it("is no refusal of a report, whichever it is, where upstream says nothing itself", () => {
    for (const status of ALL_4XX) expect([status, isRefusal(failureOf(status, "report"))]).toEqual([status, false]);
  });

  it("may be of one report alone where it can be about what was sent, and is not asked again at once", () => {
    const wordless = ALL_4XX.filter((status) => isWordlessRefusal(failureOf(status, "report")));
    expect(wordless).toEqual([400, 403, 406, 411, 412, 413, 414, 415, 417, 422, 428, 431, 451]);
    for (const status of wordless) expect(isWorthRetrying(failureOf(status, "report"))).toBe(false);
  });

  it.each([400, 413, 422])("%i with upstream's own word is a refusal of a report", (status) => {
    const body = { errors: [{ message: "no such feature", extensions: { code: "FeatureNotFound" } }] };
    expect(failureOf(status, "report", body)).toMatchObject({ code: "not-found", message: "no such feature" });
  });

  it.each([301, 304, 500, 502, 503, 504, 599])("%i is upstream's failure", (status) => {
    for (const place of ["path", "body"] as const) expect(errorCodeOf(failureOf(status, place))).toBe("unavailable");
  });

  it.each<[number, ErrorCode]>([
    [400, "failed-precondition"],
    [403, "permission-denied"],
    [407, "unavailable"],
    [408, "unavailable"],
    [425, "unavailable"],
  ])("%i says what an error is about of which the code is not known: %s", (status, code) => {
    const body = { errors: [{ message: "as upstream says it", extensions: { code: "SomethingNobodyListed" } }] };
    for (const place of ["path", "body"] as const)
      expect(failureOf(status, place, body)).toMatchObject({ code, message: "as upstream says it" });
  });

  it("keeps upstream's own message and code where it has one", () => {
    const failure = failureOf(400, "path", {
      errors: [{ message: "as upstream says it", extensions: { code: "CustomerNotFound" } }],
    });
    expect(failure).toMatchObject({ code: "not-found", message: "as upstream says it" });
  });
});

describe("Retry-After", () => {
  const now = Date.UTC(2026, 0, 1);

  it.each([
    ["2", 2_000],
    [" 10 ", 10_000],
    ["0", 0],
    ["86400", 60_000],
    [new Date(now + 5_000).toUTCString(), 5_000],
    [new Date(now - 5_000).toUTCString(), 0],
    ["soon", undefined],
    ["-3", undefined],
    ["", undefined],
    [undefined, undefined],
  ])("%j asks for %j ms", (text, expected) => {
    expect(parseRetryAfter(text, now)).toBe(expected);
  });

  it("stays with the failure that it came with", () => {
    const answer = { status: 429, body: undefined, retryAfterMs: 3_000 };
    expect(() => dataOf(answer, { name: "Edge", isRefusal: isRefusalOfPath })).toThrow(
      new ThrottledError("Edge answered HTTP 429", 3_000),
    );
  });
});
