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
