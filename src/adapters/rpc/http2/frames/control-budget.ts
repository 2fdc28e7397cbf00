/** As much as an honest peer needs at once; a flood of it takes some 20 ms of processor time. */
const BURST = 20_000;
const PER_SECOND = 2_000;
/** What each answered call adds: clients ping and open windows in proportion to what they receive. */
const EARNED_BY_A_CALL = 10;

/** Bounds the frames of a connection that are no part of a call but cost work: SETTINGS, PING, PRIORITY, empty DATA and so on. */
export class ControlBudget {
  #left = BURST;
  #at = performance.now();

  /** @returns false where it is used up */
  spend(units: number): boolean {
    this.#left -= units;
    return this.#left >= 0 || this.#refill();
  }

  earn(): void {
    if (this.#left < BURST) this.#left += EARNED_BY_A_CALL;
  }

  #refill(): boolean {
    const now = performance.now();
    this.#left = Math.min(BURST, this.#left + ((now - this.#at) / 1_000) * PER_SECOND);
    this.#at = now;
    return this.#left >= 0;
  }
}
