import { CodedError, type ErrorCode, errorCodeOf } from "../errors.js";

/**
 * What a failed try says of its reports:
 *
 * - `refused`: upstream does not take them as they are, now or later
 * - `not-arrived`: they do not count, and may be tried again
 * - `unknown`: whether they count is not known
 */
export type ReportFailure = "refused" | "not-arrived" | "unknown";

const FAILURES: Record<ErrorCode, ReportFailure> = {
  "invalid-argument": "refused",
  "not-found": "refused",
  "failed-precondition": "refused",
  // Of the API key and of the pace, not of the report.
  unauthenticated: "not-arrived",
  "permission-denied": "not-arrived",
  "resource-exhausted": "not-arrived",
  "deadline-exceeded": "unknown",
  cancelled: "unknown",
  unavailable: "unknown",
  internal: "unknown",
};

export function reportFailureOf(error: unknown): ReportFailure {
  const byCode = FAILURES[errorCodeOf(error)];
  if (byCode === "refused" || !(error instanceof CodedError) || error.mayCount === undefined) return byCode;
  return error.mayCount ? "unknown" : "not-arrived";
}

/** Whether a part of a request counts, as far as is known, although the request as a whole was refused. */
export function mayCountInPart(error: unknown): boolean {
  return error instanceof CodedError && error.mayCount === true;
}

/**
 * A refusal by status alone, without a word of upstream's own: a proxy, a gateway or a firewall on the way may have made it, of
 * this request or of all. Whether the reports count is not known, and they are kept.
 */
export class WordlessRefusalError extends CodedError {
  constructor(message: string) {
    super("unavailable", message);
  }
}

/** Whether what was asked may be what is refused, although upstream does not say so: other requests may pass. */
export function isWordlessRefusal(error: unknown): boolean {
  return error instanceof CodedError && [error, error.cause].some((each) => each instanceof WordlessRefusalError);
}

/** How long upstream asks to be left alone, milliseconds; 0: it does not say. */
export function retryAfterMsOf(error: unknown): number {
  if (!(error instanceof CodedError)) return 0;
  return error.retryAfterMs ?? (error.cause instanceof CodedError ? error.cause.retryAfterMs : undefined) ?? 0;
}
