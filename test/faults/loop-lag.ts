const TICK_MS = 10;
/** Timers are never exact: up to this late, nothing was lost. */
const ROUNDING_MS = 2;

/**
 * How much time this process could not use, because its event loop or the machine was busy with something else.
 * What is measured in such a process can be corrected by it.
 */
export class LoopLag {
  #lostMs = 0;
  #lastTickAt = performance.now();
  #timer: NodeJS.Timeout;

  constructor() {
    this.#timer = setTimeout(() => this.#tick(), TICK_MS);
  }

  /** Only grows: the difference of two readings is what was lost between them, milliseconds. */
  get lostMs(): number {
    return this.#lostMs + this.#overdueMs();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #tick(): void {
    this.#lostMs += this.#overdueMs();
    this.#lastTickAt = performance.now();
    this.#timer = setTimeout(() => this.#tick(), TICK_MS);
  }

  #overdueMs(): number {
    const overdueMs = performance.now() - this.#lastTickAt - TICK_MS;
    return overdueMs > ROUNDING_MS ? overdueMs : 0;
  }
}
