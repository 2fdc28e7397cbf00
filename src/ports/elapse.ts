import type { Clock } from "./clock.js";

/** Resolves after a time, or at once when the signal aborts. */
export function elapse(delayMs: number, clock: Clock, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = () => {
      cancelTimer();
      signal.removeEventListener("abort", end);
      resolve();
    };
    const cancelTimer = clock.after(delayMs, end);
    signal.addEventListener("abort", end);
  });
}
