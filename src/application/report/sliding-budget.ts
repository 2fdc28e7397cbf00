/** So many of something within any window of time, and no more. */
export class SlidingBudget {
  readonly #limit: number;
  readonly #windowMs: number;
  #taken: { readonly at: number; readonly count: number }[] = [];
  #used = 0;

  /** @param limit 1 or more */
  constructor(limit: number, windowMs: number) {
    this.#limit = limit;
    this.#windowMs = windowMs;
  }

  /** How many may be taken now, at most. @param now by a clock that nobody sets, milliseconds */
  available(now: number): number {
    let over = 0;
    for (const { at, count } of this.#taken) {
      if (now - at < this.#windowMs) break;
      this.#used -= count;
      over++;
    }
    if (over > 0) this.#taken = this.#taken.slice(over);
    return this.#limit - this.#used;
  }

  take(count: number, now: number): boolean {
    if (this.available(now) < count) return false;
    this.#used += count;
    this.#taken.push({ at: now, count });
    return true;
  }

  /** Milliseconds until more may be taken than now; 0 where nothing was. */
  waitMs(now: number): number {
    const [first] = this.#taken;
    return first === undefined ? 0 : Math.max(1, first.at + this.#windowMs - now);
  }
}
