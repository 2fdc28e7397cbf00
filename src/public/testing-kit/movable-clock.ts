import { SystemClock } from "../../adapters/ops/system-clock.js";
import type { CancelTimer, Clock } from "../../ports/clock.js";
import type { TimeInput } from "./time-input.js";

/** An answer has no timestamp behind the year 9999, and periods that begin before it end before it. */
const LAST_TIMESTAMP = Date.UTC(9000, 0);

interface Timer {
  readonly dueAt: number;
  readonly fire: () => void;
}

/** Time that goes on by itself, and that a test may move forward: what comes due on the way happens at once, in its order. */
export class MovableClock implements Clock {
  readonly #machine = new SystemClock();
  readonly #timers = new Set<Timer>();
  #offsetMs = 0;
  #advancedMs = 0;

  /** @param startAt undefined: the machine's own time */
  constructor(startAt: TimeInput | undefined) {
    if (startAt !== undefined) this.#offsetMs = epochMsOf(startAt) - Date.now();
  }

  now(): number {
    return Date.now() + this.#offsetMs;
  }

  elapsed(): number {
    return performance.now() + this.#advancedMs;
  }

  after(delayMs: number, callback: () => void): CancelTimer {
    const cancelOfMachine = this.#machine.after(delayMs, () => timer.fire());
    const cancel = () => {
      this.#timers.delete(timer);
      cancelOfMachine();
    };
    const timer: Timer = {
      dueAt: this.now() + delayMs,
      fire: () => {
        cancel();
        callback();
      },
    };
    this.#timers.add(timer);
    return cancel;
  }

  /** @throws RangeError where it would go back */
  advance(ms: number): void {
    if (typeof ms !== "number" || Number.isNaN(ms))
      throw new RangeError(`time goes forward by a number of milliseconds, not by ${JSON.stringify(ms)}`);
    if (ms < 0)
      throw new RangeError(
        `time goes forward only, not by ${ms} ms: start the sidecar with another \`now\` to begin earlier`,
      );
    if (this.now() + ms > LAST_TIMESTAMP) throw new RangeError(`time goes as far as the year 9000, not on by ${ms} ms`);
    this.#offsetMs += ms;
    this.#advancedMs += ms;
    const now = this.now();
    for (const timer of [...this.#timers].sort((a, b) => a.dueAt - b.dueAt)) {
      // One that came due may have cancelled the next.
      if (timer.dueAt <= now && this.#timers.has(timer)) timer.fire();
    }
  }

  /** @throws RangeError where it would go back */
  advanceTo(time: TimeInput): void {
    this.advance(epochMsOf(time) - this.now());
  }
}

function epochMsOf(time: TimeInput): number {
  const ms = new Date(time).valueOf();
  if (Number.isNaN(ms))
    throw new RangeError(`${JSON.stringify(time)} is no time: give a Date, an ISO 8601 text or epoch milliseconds`);
  if (ms > LAST_TIMESTAMP) throw new RangeError(`time goes as far as the year 9000, not to ${JSON.stringify(time)}`);
  return ms;
}
