import { CodedError } from "../../domain/errors.js";
import type { Clock } from "../../ports/clock.js";
import type { Operation } from "./operation.js";

export interface TimeoutOptions {
  /** How an operation is named in the error, for example "Edge". */
  readonly name: string;
  readonly timeoutMs: number;
}

/** Aborts an operation that takes longer, with `deadline-exceeded`. */
export function withTimeout<I, O>(operation: Operation<I, O>, options: TimeoutOptions, clock: Clock): Operation<I, O> {
  const { name, timeoutMs } = options;
  return async (input, signal) => {
    const abort = new AbortController();
    const cancelTimer = clock.after(timeoutMs, () =>
      abort.abort(new CodedError("deadline-exceeded", `${name} did not answer within ${timeoutMs} ms`)),
    );
    const onAbort = () => abort.abort(signal.reason);
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort);
    try {
      return await operation(input, abort.signal);
    } finally {
      cancelTimer();
      signal.removeEventListener("abort", onAbort);
    }
  };
}
