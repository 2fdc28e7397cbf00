const MOST = 1_000;
const COST = 10;
const RETRY_SHARE = 1_000;

/** Bounds what is spent on learning where texts turn out to have too little in common. */
export class LearningCredit {
  #left = MOST;
  #refused = 0;

  /** A text was recognized. */
  earn(): void {
    if (this.#left < MOST) this.#left++;
  }

  /** Whether one more text may be learnt. */
  spend(): boolean {
    if (this.#left < COST) {
      if (++this.#refused < RETRY_SHARE) return false;
      this.#refused = 0;
      return true;
    }
    this.#left -= COST;
    return true;
  }
}
