/** Buckets within each doubling: a value is known to about 1 %. */
const STEPS = 64;
/** The shortest that is distinguished, microseconds. */
const SMALLEST_US = 1;
const DOUBLINGS = 27;

export interface Percentiles {
  /** Milliseconds. */
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** Durations from a microsecond to two minutes, in constant space, in buckets that grow with the value. */
export class Histogram {
  readonly #counts = new Uint32Array(STEPS * DOUBLINGS);
  #count = 0;
  #max = 0;

  add(ms: number): void {
    const us = Math.max(SMALLEST_US, ms * 1_000);
    const doubling = Math.min(DOUBLINGS - 1, Math.floor(Math.log2(us)));
    const step = Math.min(STEPS - 1, Math.floor((us / 2 ** doubling - 1) * STEPS));
    this.#counts[doubling * STEPS + step]!++;
    this.#count++;
    if (ms > this.#max) this.#max = ms;
  }

  addAll(other: Histogram): void {
    for (let bucket = 0; bucket < this.#counts.length; bucket++) this.#counts[bucket]! += other.#counts[bucket]!;
    this.#count += other.#count;
    this.#max = Math.max(this.#max, other.#max);
  }

  clear(): void {
    this.#counts.fill(0);
    this.#count = 0;
    this.#max = 0;
  }

  percentiles(): Percentiles {
    return { p50: this.#at(0.5), p90: this.#at(0.9), p99: this.#at(0.99), p999: this.#at(0.999), max: this.#max };
  }

  #at(share: number): number {
    const wanted = Math.ceil(this.#count * share);
    let seen = 0;
    for (let bucket = 0; bucket < this.#counts.length; bucket++) {
      seen += this.#counts[bucket]!;
      if (seen >= wanted && seen > 0) {
        const doubling = Math.floor(bucket / STEPS);
        return Math.min(this.#max, (2 ** doubling * (1 + ((bucket % STEPS) + 0.5) / STEPS)) / 1_000);
      }
    }
    return Number.NaN;
  }
}
