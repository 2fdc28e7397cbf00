import type { CancelSignal } from "./cancel-signal.js";
import type { CancelTimer, Clock } from "./clock.js";

/** Resolves after a time, or at once when the signal aborts. */
export function elapse(delayMs: number, clock: Clock, signal?: CancelSignal): Promise<void> {
  return new Waiters().wait({ atMostMs: delayMs, clock, signal });
}

/**
 * What `work` settles to, unless the time ends first. The work itself goes on: others may be waiting for it.
 *
 * @throws what `late` makes, once the time ends
 */
export function within<T>(work: Promise<T>, waitMs: number, clock: Clock, late: () => Error): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const cancelTimer = clock.after(Math.max(0, waitMs), () => reject(late()));
    work.then(resolve, reject).finally(cancelTimer);
  });
}

/**
 * What `work` settles to, unless the signal aborts first. The work itself goes on.
 *
 * @throws what `gone` makes, once the signal aborts
 */
export function unlessAborted<T>(work: Promise<T>, signal: CancelSignal, gone: () => Error): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const onAbort = () => reject(gone());
    signal.addEventListener("abort", onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
    if (signal.aborted) onAbort();
  });
}

/** What ends one wait beside its release. */
export interface WaitBounds {
  readonly atMostMs?: number;
  /** Of `atMostMs`. */
  readonly clock?: Clock;
  readonly signal?: CancelSignal | undefined;
}

/** Those who wait for the same to happen, each no longer than it wants to. Whether it has happened is for them to see. */
export class Waiters {
  readonly #waiting = new Set<() => void>();

  /** Resolves at the next release, or at its own end. */
  wait({ atMostMs, clock, signal }: WaitBounds): Promise<void> {
    if (signal?.aborted === true) return Promise.resolve();
    return new Promise((resolve) => {
      let cancelTimer: CancelTimer | undefined = undefined;
      const end = () => {
        cancelTimer?.();
        signal?.removeEventListener("abort", end);
        this.#waiting.delete(end);
        resolve();
      };
      if (atMostMs !== undefined) cancelTimer = clock?.after(Math.max(0, atMostMs), end);
      signal?.addEventListener("abort", end);
      this.#waiting.add(end);
    });
  }

  /** Whoever waits now waits no longer. */
  release(): void {
    for (const end of [...this.#waiting]) end();
  }
}
