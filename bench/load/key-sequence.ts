/** How often which customer is asked for. */
export type KeyDistribution = "zipf" | "uniform" | "one" | "each-once";

const DRAWS = 2 ** 20;
const ZIPF_EXPONENT = 1;
/** Has no divisor in common with the numbers of customers that are used. */
const SCATTER = 7_919;
const SEED = 42;

/**
 * Customers in an order that is drawn beforehand and the same in every run, so that drawing costs nothing while
 * it is measured.
 */
export class KeySequence {
  readonly #draws: Int32Array;
  #at = 0;

  constructor(distribution: KeyDistribution, customers: number) {
    this.#draws = drawsOf(distribution, customers);
  }

  next(): number {
    const customer = this.#draws[this.#at]!;
    if (++this.#at === this.#draws.length) this.#at = 0;
    return customer;
  }
}

function drawsOf(distribution: KeyDistribution, customers: number): Int32Array {
  const random = randomNumbers(SEED);
  switch (distribution) {
    case "one":
      return new Int32Array(1);
    case "each-once":
      return Int32Array.from({ length: customers }, (_, index) => index);
    case "uniform":
      return Int32Array.from({ length: DRAWS }, () => Math.floor(random() * customers));
    case "zipf": {
      const shares = cumulatedShares(customers);
      // By rank the most wanted would be those that were cached first.
      return Int32Array.from({ length: DRAWS }, () => (rankOf(random(), shares) * SCATTER) % customers);
    }
  }
}

function cumulatedShares(customers: number): Float64Array {
  const shares = new Float64Array(customers);
  let sum = 0;
  for (let rank = 0; rank < customers; rank++) shares[rank] = sum += 1 / (rank + 1) ** ZIPF_EXPONENT;
  return shares.map((share) => share / sum);
}

function rankOf(share: number, shares: Float64Array): number {
  let low = 0;
  let high = shares.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (shares[middle]! < share) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Mulberry32: the same numbers from the same seed, from 0 (included) to 1 (excluded). */
export function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
