/** A client whose calls all run out of time at once may cancel as many. */
const BURST = 1_000;
/** Far more than clients cancel for good reasons, of calls that take a thousandth of a second. */
const PER_SECOND = 100;

/** Bounds the work that a client can cause without waiting for what comes of it. */
export class ResetBudget {
  #left = BURST;
  #at = performance.now();

  /** @returns false where it is used up */
  take(): boolean {
    if (this.#left < 1) {
      const now = performance.now();
      this.#left = Math.min(BURST, this.#left + ((now - this.#at) / 1_000) * PER_SECOND);
      this.#at = now;
    }
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }
}
