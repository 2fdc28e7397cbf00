import { performance } from "node:perf_hooks";
import type { CancelTimer, Clock } from "../../ports/clock.js";

/** What a timer of the runtime can wait at most, milliseconds; a longer one would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The machine's own time. */
export class SystemClock implements Clock {
  now(): number {
    return Date.now();
  }

  elapsed(): number {
    return performance.now();
  }

  after(delayMs: number, callback: () => void): CancelTimer {
    if (delayMs > LONGEST_TIMER_MS) return afterLong(delayMs, callback);
    // Behind the sockets: of a process that was held up, what arrived meanwhile is read before its time is called over.
    let immediate: NodeJS.Immediate | undefined;
    const timer = setTimeout(() => (immediate = setImmediate(callback)), delayMs);
    timer.unref();
    return () => {
      clearTimeout(timer);
      if (immediate !== undefined) clearImmediate(immediate);
    };
  }
}

function afterLong(delayMs: number, callback: () => void): CancelTimer {
  let remainingMs = delayMs;
  let timer: NodeJS.Timeout;
  const waitOn = () => {
    const stepMs = Math.min(remainingMs, LONGEST_TIMER_MS);
    remainingMs -= stepMs;
    timer = setTimeout(remainingMs > 0 ? waitOn : callback, stepMs);
    timer.unref();
  };
  waitOn();
  return () => clearTimeout(timer);
}

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
