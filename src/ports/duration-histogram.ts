/** Upper bounds of the buckets of a round trip on a network, milliseconds; what took longer is in one more. */
export const ROUND_TRIP_BOUNDS_MS = [
  0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000,
] as const;

/** How long things took, as plain numbers that only grow: to observe is two additions and a short search. */
export class DurationHistogram {
  /** Upper bounds of all buckets but the last, milliseconds, ascending. */
  readonly boundsMs: readonly number[];
  readonly #counts: Float64Array;
  #sumMs = 0;

  constructor(boundsMs: readonly number[] = ROUND_TRIP_BOUNDS_MS) {
    this.boundsMs = boundsMs;
    this.#counts = new Float64Array(boundsMs.length + 1);
  }

  /** @param times how many took so long */
  observe(ms: number, times = 1): void {
    let bucket = 0;
    while (bucket < this.boundsMs.length && ms > (this.boundsMs[bucket] as number)) bucket++;
    (this.#counts[bucket] as number) += times;
    this.#sumMs += ms * times;
  }

  /** For each bucket how many, not cumulated; one more than there are bounds. */
  get counts(): readonly number[] {
    return Array.from(this.#counts);
  }

  get sumMs(): number {
    return this.#sumMs;
  }
}
