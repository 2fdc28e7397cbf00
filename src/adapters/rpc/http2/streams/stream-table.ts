import type { Http2Stream } from "./http2-stream.js";

/**
 * The streams that are open, by their ids. The newest stands apart: most requests come whole and are answered before
 * the next begins, and so never cost a place in the Map.
 */
export class StreamTable {
  readonly #older = new Map<number, Http2Stream>();
  #newest: Http2Stream | undefined;

  get size(): number {
    return this.#older.size + (this.#newest === undefined ? 0 : 1);
  }

  get(id: number): Http2Stream | undefined {
    return this.#newest?.id === id ? this.#newest : this.#older.get(id);
  }

  has(stream: Http2Stream): boolean {
    return this.get(stream.id) === stream;
  }

  /** @param stream whose id is higher than any before */
  add(stream: Http2Stream): void {
    if (this.#newest !== undefined) this.#older.set(this.#newest.id, this.#newest);
    this.#newest = stream;
  }

  delete(id: number): void {
    if (this.#newest?.id === id) this.#newest = undefined;
    else this.#older.delete(id);
  }

  /** In the order of their ids. */
  all(): readonly Http2Stream[] {
    const older = [...this.#older.values()];
    return this.#newest === undefined ? older : [...older, this.#newest];
  }

  clear(): void {
    this.#older.clear();
    this.#newest = undefined;
  }
}
