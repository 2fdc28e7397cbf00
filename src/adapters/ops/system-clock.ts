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
