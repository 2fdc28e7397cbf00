import { describe, expect, it } from "@jest/globals";
import { codedErrorOf, upstreamErrorsIn } from "../../../src/wire/upstream-errors.js";

const errorOf = (error: unknown) => {
  const [first] = upstreamErrorsIn([error]);
  return first === undefined ? undefined : codedErrorOf(first);
};

describe("what upstream says went wrong", () => {
  it.each([
    ["Unauthenticated", "unauthenticated"],
    ["Forbidden", "permission-denied"],
    ["FORBIDDEN", "permission-denied"],
    ["CustomerNotFound", "not-found"],
    ["FeatureNotFound", "not-found"],
    ["BadUserInput", "invalid-argument"],
    ["RateLimitExceeded", "resource-exhausted"],
    ["UnexpectedError", "unavailable"],
    ["GRAPHQL_VALIDATION_FAILED", "internal"],
    ["SomethingNobodyListed", "failed-precondition"],
    [undefined, "unavailable"],
    [7, "unavailable"],
  ])("with code %s is %s, with upstream's message", (code, expected) => {
    expect(errorOf({ message: "as upstream says it", extensions: { code } })).toMatchObject({
      code: expected,
      message: "as upstream says it",
    });
  });

  it("is an invalid key also where only the message says so", () =>
    expect(errorOf({ message: "Invalid API key" })?.code).toBe("unauthenticated"));
  it("is throttling also where only the message says so", () =>
    expect(errorOf({ message: "ThrottlerException: Too Many Requests" })?.code).toBe("resource-exhausted"));

  it.each([[undefined], [null], [[]], ["errors"], [{}]])("%j are no errors", (errors) =>
    expect(upstreamErrorsIn(errors)).toEqual([]),
  );
  it.each([[null], ["text"], [7], [{}]])("%j is one without a message", (error) =>
    expect(errorOf(error)?.message).toBe("upstream gave no message"),
  );
});
