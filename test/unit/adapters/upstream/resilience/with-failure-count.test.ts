import { describe, expect, it } from "@jest/globals";
import { withFailureCount } from "../../../../../src/adapters/upstream/resilience/with-outcome.js";
import { ERROR_CODES, type ErrorCode } from "../../../../../src/domain/errors.js";
import { newTelemetry } from "../../../../../src/ports/telemetry.js";
import { never, outcomeOf, scriptedOperation } from "./scripted-operation.js";

const COUNTED_AS: Record<ErrorCode, "network" | "key" | "nothing"> = {
  "invalid-argument": "nothing",
  "not-found": "nothing",
  "failed-precondition": "nothing",
  cancelled: "nothing",
  unauthenticated: "key",
  "permission-denied": "network",
  "resource-exhausted": "network",
  "deadline-exceeded": "network",
  unavailable: "network",
  internal: "network",
};

describe("a request that fails", () => {
  it.each(ERROR_CODES.map((code) => [code, COUNTED_AS[code]] as const))("by %s is counted as %s", async (code, as) => {
    const telemetry = newTelemetry();
    expect(await outcomeOf(withFailureCount(scriptedOperation(code).operation, telemetry)("q", never()))).toBe(code);
    expect([telemetry.networkRequestErrors, telemetry.invalidApiKeyErrors]).toEqual([
      as === "network" ? 1 : 0,
      as === "key" ? 1 : 0,
    ]);
    expect(telemetry.apiKeyState).toBe(as === "key" ? "refused" : "unknown");
  });

  it("because of the key is forgotten once another request is answered", async () => {
    const telemetry = newTelemetry();
    const counted = withFailureCount(scriptedOperation("unauthenticated", "an answer").operation, telemetry);
    await outcomeOf(counted("q", never()));
    await counted("q", never());
    expect([telemetry.apiKeyState, telemetry.invalidApiKeyErrors]).toEqual(["accepted", 1]);
  });
});
