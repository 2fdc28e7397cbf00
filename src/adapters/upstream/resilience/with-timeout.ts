import { CodedError } from "../../../domain/errors.js";
import { Cancellation } from "../../../ports/cancel-signal.js";
import type { Clock } from "../../../ports/clock.js";
import { type Deadline, Deadlines } from "../../../ports/deadlines.js";
import type { Operation } from "./operation.js";

export interface TimeoutOptions {
  /** How an operation is named in the error, for example "Edge". */
  readonly name: string;
  readonly timeoutMs: number;
}

/** How late a timer may be before the delay counts as this process's own, milliseconds. */
const LATE_MS = 20;

/**
 * Aborts an operation that takes longer, with `deadline-exceeded`. Time in which this process itself did not run is
 * not counted, up to the limit once more: the answer may have been waiting in the socket.
 */
export function withTimeout<I, O>(operation: Operation<I, O>, options: TimeoutOptions, clock: Clock): Operation<I, O> {
  const { name, timeoutMs } = options;
  const deadlines = new Deadlines(clock);
  return async (input, signal) => {
    const abort = new Cancellation();
    let deadline: Deadline | undefined;
    let creditMs = timeoutMs;
    const expireAfter = (delayMs: number) => {
      const dueAt = clock.now() + delayMs;
      deadline = deadlines.after(delayMs, () => {
        const lateMs = Math.min(clock.now() - dueAt, creditMs);
        creditMs -= lateMs;
        if (lateMs >= LATE_MS) expireAfter(lateMs);
        else abort.abort(new CodedError("deadline-exceeded", `${name} did not answer within ${timeoutMs} ms`));
      });
    };
    expireAfter(timeoutMs);
    const onAbort = () => abort.abort(signal.reason);
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort);
    try {
      return await operation(input, abort);
    } finally {
      if (deadline !== undefined) deadlines.cancel(deadline);
      signal.removeEventListener("abort", onAbort);
    }
  };
}
