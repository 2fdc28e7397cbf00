/** Far more than a client that reads is ever behind. */
const MAX_WAITING = 10_000;

/** Items for one reader, in order and within a bound. */
export class EventQueue<T> {
  readonly #waiting: T[] = [];
  #reader: ((result: T | undefined) => void) | undefined;
  #isEnded = false;

  /** @returns false where the reader is too far behind, and the item was not taken */
  push(item: T): boolean {
    if (this.#isEnded) return true;
    const reader = this.#reader;
    if (reader !== undefined) {
      this.#reader = undefined;
      reader(item);
      return true;
    }
    if (this.#waiting.length >= MAX_WAITING) return false;
    this.#waiting.push(item);
    return true;
  }

  /** The next item, or undefined at the end. One reader at a time. */
  next(): Promise<T | undefined> {
    const item = this.#waiting.shift();
    if (item !== undefined || this.#isEnded) return Promise.resolve(item);
    return new Promise((resolve) => (this.#reader = resolve));
  }

  /** What waits is forgotten. */
  end(): void {
    this.#isEnded = true;
    this.#waiting.length = 0;
    this.#reader?.(undefined);
    this.#reader = undefined;
  }
}
