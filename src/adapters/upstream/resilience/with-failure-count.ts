import { errorCodeOf } from "../../../domain/errors.js";
import type { Telemetry } from "../../../ports/telemetry.js";
import type { Operation } from "./operation.js";
import { isUpstreamsFailure } from "./upstream-failure.js";

/** Counts each try that upstream, or the way to it, made fail. What it refused of a request is the caller's matter. */
export function withFailureCount<I, O>(operation: Operation<I, O>, telemetry: Telemetry): Operation<I, O> {
  return async (input, signal) => {
    try {
      return await operation(input, signal);
    } catch (error) {
      if (errorCodeOf(error) === "unauthenticated") telemetry.invalidApiKeyErrors++;
      else if (isUpstreamsFailure(error)) telemetry.networkRequestErrors++;
      throw error;
    }
  };
}
