/** Time, so that the core never asks the machine for it and tests need not wait for it. */
export interface Clock {
  /** Epoch milliseconds. Called on every check: must not allocate. */
  now(): number;
  /** Milliseconds since some time: for what lasts, since the machine's clock may be set meanwhile. */
  elapsed(): number;
  /** Calls back once, `delayMs` from now; never keeps the process alive. */
  after(delayMs: number, callback: () => void): CancelTimer;
}

export type CancelTimer = () => void;

/** What is called back at a time, unless it is cancelled before. */
export class Deadline {
  /** Undefined once it was called back, or cancelled: what it would have called is not kept alive. */
  callback: (() => void) | undefined;

  constructor(callback: () => void) {
    this.callback = callback;
  }
}

/**
 * Many deadlines with one timer: those of one point in time lie together, and most are cancelled before they are due, which
 * costs nothing but a mark.
 */
export class Deadlines {
  readonly #clock: Clock;
  readonly #byTime = new Map<number, Deadline[]>();
  /** The times that there are deadlines at, the earliest first. */
  readonly #times: number[] = [];
  #live = 0;
  #armedFor = Infinity;
  #cancelTimer: CancelTimer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @param delayMs from now, milliseconds */
  after(delayMs: number, callback: () => void): Deadline {
    const deadline = new Deadline(callback);
    // Whole milliseconds, so that there are few points in time.
    const time = Math.floor(this.#clock.elapsed()) + Math.max(0, delayMs);
    const together = this.#byTime.get(time);
    if (together !== undefined) together.push(deadline);
    else {
      this.#byTime.set(time, [deadline]);
      this.#insert(time);
      if (time < this.#armedFor) this.#arm(time);
    }
    this.#live++;
    return deadline;
  }

  cancel(deadline: Deadline): void {
    if (deadline.callback === undefined) return;
    deadline.callback = undefined;
    if (--this.#live > 0) return;
    this.#byTime.clear();
    this.#times.length = 0;
    this.#cancelTimer?.();
    this.#armedFor = Infinity;
  }

  #insert(time: number): void {
    let at = this.#times.length;
    while (at > 0 && (this.#times[at - 1] as number) > time) at--;
    this.#times.splice(at, 0, time);
  }

  #arm(time: number): void {
    this.#cancelTimer?.();
    this.#armedFor = time;
    this.#cancelTimer = this.#clock.after(Math.max(0, time - this.#clock.elapsed()), () => this.#callBack(time));
  }

  /** @param armedFor a timer of the runtime may be early by a part of a millisecond */
  #callBack(armedFor: number): void {
    this.#armedFor = Infinity;
    const now = Math.max(this.#clock.elapsed(), armedFor);
    const due: Deadline[] = [];
    while (this.#times.length > 0 && (this.#times[0] as number) <= now) {
      const time = this.#times.shift() as number;
      due.push(...(this.#byTime.get(time) ?? []));
      this.#byTime.delete(time);
    }
    const [next] = this.#times;
    if (next !== undefined) this.#arm(next);
    for (const deadline of due) {
      const { callback } = deadline;
      if (callback === undefined) continue;
      deadline.callback = undefined;
      this.#live--;
      callback();
    }
  }
}

/** A time between two shares of it, so that what began together does not end together. @param random from 0 (included) to 1 (excluded) */
export function spread(durationMs: number, fromShare: number, toShare: number, random = Math.random): number {
  return durationMs * (fromShare + random() * (toShare - fromShare));
}

/** From 0 (included) to 1 (excluded). */
export type Random = () => number;

/** Where nothing is spread. */
const UNSPREAD: Random = () => 1;

/** Of a factor that would be too large for a number. */
const MAX_DOUBLINGS = 50;

export interface BackOffTiming {
  /** The first wait, milliseconds; it doubles with each further one. */
  readonly firstDelayMs: number;
  /** The longest of all, milliseconds. */
  readonly longestDelayMs: number;
}

/**
 * How long to wait between one try and the next: each time twice as long as before. Where it is given what is random,
 * waits are spread over their upper half, so that those who failed together do not come back together.
 */
export class BackOff {
  readonly #timing: BackOffTiming;
  readonly #random: Random;
  #waits = 0;

  constructor(timing: BackOffTiming, random: Random = UNSPREAD) {
    this.#timing = timing;
    this.#random = random;
  }

  /**
   * @param workedMs how long what was tried had worked, milliseconds; what ends at once is no better than nothing
   * @returns milliseconds
   */
  nextMs(workedMs = 0): number {
    if (workedMs >= this.#timing.longestDelayMs) this.reset();
    return inUpperHalf(doubledMs(this.#timing, this.#waits++), this.#random);
  }

  /** It worked: the next wait is a first one. */
  reset(): void {
    this.#waits = 0;
  }
}

/** The longest that a wait may be after so many others, milliseconds. */
export function doubledMs({ firstDelayMs, longestDelayMs }: BackOffTiming, waits: number): number {
  return Math.min(longestDelayMs, firstDelayMs * 2 ** Math.min(waits, MAX_DOUBLINGS));
}

export function inUpperHalf(delayMs: number, random: Random): number {
  return spread(delayMs, 0.5, 1, random);
}
