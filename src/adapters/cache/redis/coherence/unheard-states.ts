import { notAhead } from "../../../../domain/freshness/freshness.js";
import type { Clock } from "../../../../ports/clock.js";

/** How many are asked for in a second before they serve: upstream has to have room for everybody else, too. */
const DEFAULT_MAX_PER_SECOND = 20;

/**
 * States in Redis from before a time until which changes may have been heard by nobody. There are as many as Redis holds, and
 * few of them are another by now: so upstream is asked before they serve only for so many in a second. The others serve, said to
 * be stale, and are verified behind the answer.
 */
export class UnheardStates {
  readonly #clock: Clock;
  readonly #isBusy: () => boolean;
  readonly #maxPerSecond: number;
  #before = -Infinity;
  #secondSince = -Infinity;
  #asked = 0;

  /** @param isBusy whether more is asked for already than can be answered in time */
  constructor(clock: Clock, isBusy: () => boolean, maxPerSecond = DEFAULT_MAX_PER_SECOND) {
    this.#clock = clock;
    this.#isBusy = isBusy;
    this.#maxPerSecond = maxPerSecond;
  }

  /** @param before epoch milliseconds */
  mark(before: number): void {
    this.#before = Math.max(this.#before, before);
  }

  /** Whether a state is to be asked for before it serves; each time that it is counts. @param verifiedAt epoch milliseconds */
  isAskedFirst(verifiedAt: number): boolean {
    this.#before = notAhead(this.#before, this.#clock.now());
    if (verifiedAt >= this.#before || this.#isBusy()) return false;
    const now = this.#clock.elapsed();
    if (now - this.#secondSince >= 1_000) {
      this.#secondSince = now;
      this.#asked = 0;
    }
    return ++this.#asked <= this.#maxPerSecond;
  }
}
