import type { Subject } from "../subject.js";

/** Of two to the power of 20: what one more customer shares with others is looked up once too often, nothing else. */
const PLACES = 1 << 20;
/** A count that reached this is not known any more, and stays. */
const FULL = 255;
const HASH_SEED = 0x811c9dc5;

/**
 * For which customers and features something may wait. A counting Bloom filter with one hash: it is asked by every
 * check, most of which it spares five lookups in memory that is not in the processor's cache. It never says no of one
 * that was added and not removed; a yes may be wrong.
 */
export class WaitingFilter {
  readonly #counts = new Uint8Array(PLACES);
  #lastCustomerId = "";
  #lastHash = hashOf("", HASH_SEED);

  /** A series of a feature begins to wait; a customer's resources count as the customer. */
  add({ customerId }: Subject, featureId: string): void {
    this.#countBoth(customerId, featureId, 1);
  }

  /** One that was added waits no longer. */
  remove({ customerId }: Subject, featureId: string): void {
    this.#countBoth(customerId, featureId, -1);
  }

  mayHaveAny(customerId: string): boolean {
    return this.#counts[placeOf(this.#customerHash(customerId))] !== 0;
  }

  mayHave(customerId: string, featureId: string): boolean {
    return this.#counts[placeOf(hashOf(featureId, this.#customerHash(customerId)))] !== 0;
  }

  #countBoth(customerId: string, featureId: string, by: 1 | -1): void {
    const hash = this.#customerHash(customerId);
    this.#count(placeOf(hash), by);
    this.#count(placeOf(hashOf(featureId, hash)), by);
  }

  /** A check asks of its customer first and then of the feature. */
  #customerHash(customerId: string): number {
    if (customerId !== this.#lastCustomerId) {
      this.#lastCustomerId = customerId;
      this.#lastHash = hashOf(customerId, HASH_SEED);
    }
    return this.#lastHash;
  }

  #count(place: number, by: 1 | -1): void {
    const count = this.#counts[place] ?? 0;
    if (count < FULL) this.#counts[place] = count + by;
  }
}

/** FNV-1a, of which the low bits are alike for ids that are numbered. */
function hashOf(text: string, seed: number): number {
  let hash = seed ^ text.length;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash;
}

function placeOf(hash: number): number {
  const spread = Math.imul(hash ^ (hash >>> 15), 0x9e3779b1);
  return (spread ^ (spread >>> 13)) & (PLACES - 1);
}
