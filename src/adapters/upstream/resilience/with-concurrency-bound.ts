import { CodedError } from "../../../domain/errors.js";
import type { CancelSignal } from "../../../ports/cancel-signal.js";
import { abortErrorOf, type Operation } from "./operation.js";

export interface ConcurrencyBoundOptions {
  /** How many may run at the same time. */
  readonly maxConcurrent: number;
  /** How many may wait; of more, one fails at once with `resource-exhausted`. */
  readonly maxWaiting: number;
  /**
   * Where someone waits for each call, and not for long: the newest go first, and of too many the oldest fails. Else in the
   * order in which they came, and of too many the one that comes.
   */
  readonly isNewestFirst?: boolean;
}

/** Lets a bounded number of calls through at a time; the others wait. */
export function withConcurrencyBound<I, O>(
  operation: Operation<I, O>,
  options: ConcurrencyBoundOptions,
): Operation<I, O> {
  const gate = new Semaphore(options);
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
  readonly refuse: (error: CodedError) => void;
  hasGone: boolean;
}

class Semaphore {
  readonly #options: ConcurrencyBoundOptions;
  /** In order of arrival; those that have gone are taken out when their turn comes, or once they are too many. */
  #waiting: Waiter[] = [];
  #gone = 0;
  #running = 0;

  constructor(options: ConcurrencyBoundOptions) {
    this.#options = options;
  }

  /** @returns undefined where there is room at once */
  enter(signal: CancelSignal): Promise<void> | undefined {
    if (signal.aborted) throw abortErrorOf(signal);
    if (this.#running < this.#options.maxConcurrent) {
      this.#running++;
      return undefined;
    }
    const waiting = this.#waiting.length - this.#gone;
    if (waiting >= this.#options.maxWaiting) {
      const refusal = new CodedError("resource-exhausted", `${waiting} requests to upstream are waiting already`);
      const oldest = this.#options.isNewestFirst === true ? this.#waiting.find(({ hasGone }) => !hasGone) : undefined;
      if (oldest === undefined) throw refusal;
      oldest.refuse(refusal);
    }
    return this.#wait(signal);
  }

  /** Hands the place on to who waits longest. */
  leave(): void {
    const next = this.#next();
    if (next === undefined) this.#running--;
    else next.admit();
  }

  #next(): Waiter | undefined {
    for (;;) {
      const next = this.#options.isNewestFirst === true ? this.#waiting.pop() : this.#waiting.shift();
      if (next?.hasGone !== true) return next;
      this.#gone--;
    }
  }

  #goes(waiter: Waiter): void {
    waiter.hasGone = true;
    if (++this.#gone <= this.#waiting.length / 2) return;
    this.#waiting = this.#waiting.filter(({ hasGone }) => !hasGone);
    this.#gone = 0;
  }

  #wait(signal: CancelSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = (error: CodedError) => {
        signal.removeEventListener("abort", onAbort);
        this.#goes(waiter);
        reject(error);
      };
      const onAbort = () => leave(abortErrorOf(signal));
      const waiter: Waiter = {
        hasGone: false,
        admit: () => {
          signal.removeEventListener("abort", onAbort);
          resolve();
        },
        refuse: leave,
      };
      this.#waiting.push(waiter);
      signal.addEventListener("abort", onAbort, { once: true });
    });
  }
}
