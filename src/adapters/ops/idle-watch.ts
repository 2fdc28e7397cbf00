import { performance } from "node:perf_hooks";
import type { Clock } from "../../ports/clock.js";

/** How long this process has waited in all for something to do, milliseconds. */
export function idleMs(): number {
  return performance.eventLoopUtilization().idle;
}

/** Knows when this process last had nothing left to do: what had arrived by then was read. */
export class IdleWatch {
  readonly #clock: Clock;
  readonly #idleMs: () => number;
  #sampledAt = -Infinity;
  #sample = 0;
  #lastIdleAt = -Infinity;

  /** @param idle what `idleMs` tells */
  constructor(clock: Clock, idle = idleMs) {
    this.#clock = clock;
    this.#idleMs = idle;
  }

  /** By `Clock.elapsed`, at the latest; the more often it is asked for, the more exactly it is known. */
  lastIdleAt(): number {
    const sample = this.#idleMs();
    // It may have been only just behind the last look.
    if (sample > this.#sample) this.#lastIdleAt = this.#sampledAt;
    this.#sample = sample;
    this.#sampledAt = this.#clock.elapsed();
    return this.#lastIdleAt;
  }
}
