import { CodedError } from "../../../domain/errors.js";

/** Why a signal aborted: whoever aborts with a CodedError says why, all others went away. */
export function abortErrorOf(signal: AbortSignal): CodedError {
  const reason: unknown = signal.reason;
  return reason instanceof CodedError ? reason : new CodedError("cancelled", "the caller went away", { cause: reason });
}
