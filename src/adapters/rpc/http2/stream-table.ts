import type { Stream } from "./streams.js";

/**
 * The streams that are open, by their ids. The newest stands apart: most requests come whole and are answered before
 * the next begins, and so never cost a place in the Map.
 */
export class StreamTable {
  readonly #older = new Map<number, Stream>();
  #newest: Stream | undefined;

  get size(): number {
    return this.#older.size + (this.#newest === undefined ? 0 : 1);
  }

  get(id: number): Stream | undefined {
    return this.#newest?.id === id ? this.#newest : this.#older.get(id);
  }

  /** @param stream whose id is higher than any before */
  add(stream: Stream): void {
    if (this.#newest !== undefined) this.#older.set(this.#newest.id, this.#newest);
    this.#newest = stream;
  }

  /** Puts another in the place of the one that has its id. */
  replace(stream: Stream): void {
    if (this.#newest?.id === stream.id) this.#newest = stream;
    else this.#older.set(stream.id, stream);
  }

  delete(id: number): void {
    if (this.#newest?.id === id) this.#newest = undefined;
    else this.#older.delete(id);
  }

  /** In the order of their ids. */
  all(): readonly Stream[] {
    const older = [...this.#older.values()];
    return this.#newest === undefined ? older : [...older, this.#newest];
  }

  clear(): void {
    this.#older.clear();
    this.#newest = undefined;
  }
}
