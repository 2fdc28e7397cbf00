import { describe, expect, it } from "vitest";
import { isUpstreamsFailure } from "../../../src/adapters/upstream/upstream-failure.js";
import { withFailover } from "../../../src/adapters/upstream/with-failover.js";
import type { ErrorCode } from "../../../src/domain/errors.js";
import { never, outcomeOf, scriptedOperation } from "./scripted-operation.js";

function failingOver(first: string, second: string) {
  const one = scriptedOperation(first);
  const other = scriptedOperation(second);
  return { one, other, operation: withFailover(one.operation, other.operation, isUpstreamsFailure) };
}

describe("fail-over", () => {
  it("does not ask the second where the first answers", async () => {
    const { other, operation } = failingOver("answer of the first", "answer of the second");
    expect(await operation("q", never())).toBe("answer of the first");
    expect(other.inputs).toEqual([]);
  });

  it.each<ErrorCode>(["unavailable", "deadline-exceeded", "internal", "resource-exhausted", "unauthenticated"])(
    "asks the second the same where the first fails by %s",
    async (code) => {
      const { other, operation } = failingOver(code, "answer of the second");
      expect(await operation("q", never())).toBe("answer of the second");
      expect(other.inputs).toEqual(["q"]);
    },
  );

  it.each<ErrorCode>(["invalid-argument", "not-found", "failed-precondition", "cancelled"])(
    "does not ask twice what the first refused by %s",
    async (code) => {
      const { other, operation } = failingOver(code, "answer of the second");
      expect(await outcomeOf(operation("q", never()))).toBe(code);
      expect(other.inputs).toEqual([]);
    },
  );

  it("fails as the second does where both fail", async () => {
    expect(await outcomeOf(failingOver("unavailable", "unauthenticated").operation("q", never()))).toBe("unauthenticated");
  });

  it("ends with the time there was", async () => {
    const { other, operation } = failingOver("unavailable", "answer of the second");
    expect(await outcomeOf(operation("q", AbortSignal.abort()))).toBe("unavailable");
    expect(other.inputs).toEqual([]);
  });
});
