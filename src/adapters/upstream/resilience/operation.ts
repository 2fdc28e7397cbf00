import { CodedError } from "../../../domain/errors.js";
import type { CancelSignal } from "../../../ports/waits.js";

/**
 * One kind of call to upstream. What makes calls resilient wraps operations in operations, so that each
 * concern is one function, and their order is read in one place (see vendor-upstream-client).
 */
export type Operation<I, O> = (input: I, signal: CancelSignal) => Promise<O>;

/** Why a signal aborted: whoever aborts with a CodedError says why, all others went away. */
export function abortErrorOf(signal: CancelSignal): CodedError {
  const reason: unknown = signal.reason;
  return reason instanceof CodedError ? reason : new CodedError("cancelled", "the caller went away", { cause: reason });
}
