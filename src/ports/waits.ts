import type { CancelTimer, Clock } from "./clock.js";

/**
 * Whether a call is still wanted. Every AbortSignal is one; where no more is needed a Cancellation does, which costs a small
 * part of what the runtime's own costs.
 */
export interface CancelSignal {
  readonly aborted: boolean;
  /** Why, once it has aborted. */
  readonly reason: unknown;
  addEventListener(type: "abort", listener: () => void, options?: { readonly once: boolean }): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

/** A signal together with what aborts it. */
export class Cancellation implements CancelSignal {
  #aborted = false;
  #reason: unknown;
  /** Most have one listener at a time. */
  #listener: (() => void) | undefined;
  #others: Set<() => void> | undefined;

  get aborted(): boolean {
    return this.#aborted;
  }

  get reason(): unknown {
    return this.#reason;
  }

  /** A listener that is added twice is called once, and one that comes after the end never. */
  addEventListener(_: "abort", listener: () => void): void {
    if (this.#aborted || this.#listener === listener) return;
    if (this.#listener === undefined) this.#listener = listener;
    else (this.#others ??= new Set()).add(listener);
  }

  removeEventListener(_: "abort", listener: () => void): void {
    if (this.#listener === listener) this.#listener = undefined;
    else this.#others?.delete(listener);
  }

  /** Only the first time counts. */
  abort(reason?: unknown): void {
    if (this.#aborted) return;
    this.#aborted = true;
    this.#reason = reason;
    const listeners = [...(this.#listener === undefined ? [] : [this.#listener]), ...(this.#others ?? [])];
    this.#listener = undefined;
    this.#others = undefined;
    for (const listener of listeners) listener();
  }
}

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
