import type { Operation } from "./operation.js";

/** Asks a second upstream where the first one fails; its answer is then the answer, and its failure the failure. */
export function withFailover<I, O>(
  first: Operation<I, O>,
  second: Operation<I, O>,
  isUpstreamsFailure: (error: unknown) => boolean,
): Operation<I, O> {
  return async (input, signal) => {
    try {
      return await first(input, signal);
    } catch (error) {
      if (signal.aborted || !isUpstreamsFailure(error)) throw error;
      return second(input, signal);
    }
  };
}
