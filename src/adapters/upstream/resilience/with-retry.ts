import type { Clock } from "../../../ports/clock.js";
import { elapse } from "../../../ports/waits.js";
import { abortErrorOf, type Operation } from "./operation.js";

export interface RetryOptions {
  /** The longest wait before the second try, milliseconds; the wait is spread evenly from 0 to it. */
  readonly maxDelayMs: number;
  /** Only what cannot count anything twice may be tried again. */
  readonly isRetriable: (error: unknown) => boolean;
  /** From 0 (included) to 1 (excluded). */
  readonly random: () => number;
}

/** Tries an operation once more, a little later, where that may help and its signal still allows it. */
export function withRetry<I, O>(operation: Operation<I, O>, options: RetryOptions, clock: Clock): Operation<I, O> {
  return async (input, signal) => {
    const hasGone = () => signal.aborted;
    try {
      return await operation(input, signal);
    } catch (error) {
      if (hasGone() || !options.isRetriable(error)) throw error;
      await elapse(options.random() * options.maxDelayMs, clock, signal);
      if (hasGone()) throw abortErrorOf(signal);
      return operation(input, signal);
    }
  };
}
