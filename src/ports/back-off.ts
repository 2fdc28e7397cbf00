import { spread } from "./deadlines.js";

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
