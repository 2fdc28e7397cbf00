import { CodedError, type ErrorCode, errorCodeOf } from "../../../domain/errors.js";
import type { Telemetry } from "../../../ports/telemetry.js";
import { isUpstreamsFailure, type Operation } from "./operation.js";

/** What a failed try says of whether the report has arrived. */
type Arrival = "refused" | "may have arrived";

const ARRIVALS: Record<ErrorCode, Arrival> = {
  "invalid-argument": "refused",
  "not-found": "refused",
  "failed-precondition": "refused",
  unauthenticated: "refused",
  "permission-denied": "refused",
  "resource-exhausted": "refused",
  "deadline-exceeded": "may have arrived",
  cancelled: "may have arrived",
  unavailable: "may have arrived",
  internal: "may have arrived",
};

/** Of the system, where no connection came about: nothing was sent. */
const NOT_SENT: ReadonlySet<string | undefined> = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
]);

/** Refusals of what was reported: to report it again is of no use. */
const OF_THE_REPORT: ReadonlySet<ErrorCode> = new Set(["invalid-argument", "not-found", "failed-precondition"]);

/**
 * Has a report's failure say whether the report may count, and whether to report it again. Upstream's own message comes
 * first; a refusal is left as upstream words it.
 *
 * @param report one try
 * @param resilient makes an operation of all tries of it
 */
export function withOutcome<I, O>(
  report: Operation<I, O>,
  resilient: (report: Operation<I, O>) => Operation<I, O>,
): Operation<I, O> {
  return async (input, signal) => {
    let mayCount = false;
    const operation = resilient(async (sent, signalOfTry) => {
      try {
        return await report(sent, signalOfTry);
      } catch (error) {
        mayCount ||= mayHaveArrived(error);
        throw error;
      }
    });
    try {
      return await operation(input, signal);
    } catch (error) {
      throw withConsequence(error, mayCount);
    }
  };
}

function mayHaveArrived(error: unknown): boolean {
  if (ARRIVALS[errorCodeOf(error)] === "refused") return false;
  return !NOT_SENT.has(codeOfCause(error));
}

function codeOfCause(error: unknown): string | undefined {
  const cause: unknown = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error ? (cause as NodeJS.ErrnoException).code : undefined;
}

function withConsequence(error: unknown, mayCount: boolean): unknown {
  const code = errorCodeOf(error);
  if (!(error instanceof CodedError)) return error;
  if (OF_THE_REPORT.has(code)) {
    // What is refused now may have been taken before: the customer was archived in between, or the key is known by now.
    return mayCount
      ? new CodedError(
          code,
          `${error.message}. That refuses the last try; one before it was not answered, and whether that counts is not known`,
          { cause: error, mayCount: true },
        )
      : error;
  }
  if (mayCount) {
    return new CodedError(
      code,
      `${error.message}. Whether this counts is not known: report it again under the same idempotency key where it was sent with one, and it counts once; without one, it may count twice`,
      { cause: error, mayCount: true },
    );
  }
  return ARRIVALS[code] === "refused"
    ? error
    : new CodedError(code, `${error.message}. This is not counted: report it again later`, {
        cause: error,
        mayCount: false,
      });
}

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
