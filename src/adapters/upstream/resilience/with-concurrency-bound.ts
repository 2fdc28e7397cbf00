import { CodedError } from "../../../domain/errors.js";
import type { Clock } from "../../../ports/clock.js";
import type { CancelSignal } from "../../../ports/waits.js";
import { abortErrorOf, type Operation } from "./operation.js";

export interface ConcurrencyBoundOptions {
  /** How many may run at the same time. */
  readonly maxConcurrent: number;
  /** How many may wait; of more, one fails at once with `resource-exhausted`. */
  readonly maxWaiting: number;
  /**
   * Where someone waits for each call, and not for long. Else all go in the order in which they came, and of too many the one fails
   * that comes.
   */
  readonly newestFirst?: NewestFirst | undefined;
}

export interface NewestFirst {
  /**
   * How long the first in line may have waited for all to go in order, milliseconds. After that the newest go first, and of too many the
   * oldest fails. From the start they must not: of more callers than may run, each of whom asks again once it is answered, some would
   * never have their turn, although all could be in time.
   */
  readonly afterMs: number;
  readonly clock: Clock;
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
  /** By `Clock.elapsed`. */
  readonly since: number;
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
      const oldest =
        this.#options.newestFirst !== undefined ? this.#waiting.find(({ hasGone }) => !hasGone) : undefined;
      if (oldest === undefined) throw refusal;
      oldest.refuse(refusal);
    }
    return this.#wait(signal);
  }

  /** Hands the place on. */
  leave(): void {
    const next = this.#next();
    if (next === undefined) this.#running--;
    else next.admit();
  }

  #next(): Waiter | undefined {
    while (this.#waiting[0]?.hasGone === true) {
      this.#waiting.shift();
      this.#gone--;
    }
    const [first] = this.#waiting;
    if (first === undefined || !this.#hasWaitedLong(first)) return this.#waiting.shift();
    for (;;) {
      const last = this.#waiting.pop();
      if (last?.hasGone !== true) return last;
      this.#gone--;
    }
  }

  #hasWaitedLong({ since }: Waiter): boolean {
    const { newestFirst } = this.#options;
    return newestFirst !== undefined && newestFirst.clock.elapsed() - since > newestFirst.afterMs;
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
        since: this.#options.newestFirst?.clock.elapsed() ?? 0,
      };
      this.#waiting.push(waiter);
      signal.addEventListener("abort", onAbort, { once: true });
    });
  }
}
