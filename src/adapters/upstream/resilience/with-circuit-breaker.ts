import type { CircuitBreaker } from "./circuit-breaker.js";
import type { Operation } from "./operation.js";

/** Asks upstream only while it is known to work; otherwise fails at once, so that something else can answer. */
export function withCircuitBreaker<I, O>(operation: Operation<I, O>, breaker: CircuitBreaker): Operation<I, O> {
  return async (input, signal) => {
    const epoch = breaker.enter();
    try {
      const output = await operation(input, signal);
      breaker.succeeded();
      return output;
    } catch (error) {
      breaker.failed(error, epoch);
      throw error;
    }
  };
}
