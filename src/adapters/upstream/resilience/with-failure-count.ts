import { errorCodeOf } from "../../../domain/errors.js";
import type { Telemetry } from "../../../ports/telemetry.js";
import type { Operation } from "./operation.js";
import { isUpstreamsFailure } from "./upstream-failure.js";

/**
 * Counts each try that upstream, or the way to it, made fail, and notes whether it took the API key. What it refused of a
 * request is the caller's matter.
 */
export function withFailureCount<I, O>(operation: Operation<I, O>, telemetry: Telemetry): Operation<I, O> {
  return async (input, signal) => {
    try {
      const output = await operation(input, signal);
      telemetry.apiKeyState = "accepted";
      return output;
    } catch (error) {
      if (errorCodeOf(error) === "unauthenticated") {
        telemetry.invalidApiKeyErrors++;
        telemetry.apiKeyState = "refused";
      } else if (isUpstreamsFailure(error)) telemetry.networkRequestErrors++;
      throw error;
    }
  };
}
