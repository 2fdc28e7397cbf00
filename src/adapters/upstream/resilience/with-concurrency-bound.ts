import { CodedError } from "../../../domain/errors.js";
import { abortErrorOf } from "./abort-error.js";
import type { Operation } from "./operation.js";

export interface ConcurrencyBoundOptions {
  /** How many may run at the same time. */
  readonly maxConcurrent: number;
  /** How many may wait; what comes on top of it fails at once with `resource-exhausted`. */
  readonly maxWaiting: number;
}

/** Lets a bounded number of calls through at a time; the others wait in the order in which they came. */
export function withConcurrencyBound<I, O>(
  operation: Operation<I, O>,
  options: ConcurrencyBoundOptions,
): Operation<I, O> {
  const gate = new Gate(options);
  return async (input, signal) => {
    const entered = gate.enter(signal);
    if (entered !== undefined) await entered;
    try {
      return await operation(input, signal);
    } finally {
      gate.leave();
    }
  };
}

interface Waiter {
  readonly admit: () => void;
}

class Gate {
  readonly #options: ConcurrencyBoundOptions;
  /** In order of arrival; one that gives up is taken out at once. */
  readonly #waiting = new Set<Waiter>();
  #running = 0;

  constructor(options: ConcurrencyBoundOptions) {
    this.#options = options;
  }

  /** @returns undefined where there is room at once */
  enter(signal: AbortSignal): Promise<void> | undefined {
    if (signal.aborted) throw abortErrorOf(signal);
    if (this.#running < this.#options.maxConcurrent) {
      this.#running++;
      return undefined;
    }
    if (this.#waiting.size >= this.#options.maxWaiting) {
      throw new CodedError("resource-exhausted", `${this.#waiting.size} requests to upstream are waiting already`);
    }
    return this.#wait(signal);
  }

  /** Hands the place on to who waits longest. */
  leave(): void {
    for (const waiter of this.#waiting) {
      waiter.admit();
      return;
    }
    this.#running--;
  }

  #wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#waiting.delete(waiter);
        reject(abortErrorOf(signal));
      };
      const waiter: Waiter = {
        admit: () => {
          this.#waiting.delete(waiter);
          signal.removeEventListener("abort", onAbort);
          resolve();
        },
      };
      this.#waiting.add(waiter);
      signal.addEventListener("abort", onAbort, { once: true });
    });
  }
}
