import type { CustomerState } from "../../domain/customer-state.js";
import type { HeldState } from "../../ports/cache-store.js";
import { CompactState } from "./compact-state.js";
import { objectBytes } from "./heap-sizes.js";

/** Never a cache's generation: what carries it is not verified. */
export const UNVERIFIED = -1;

const SECOND_MS = 1_000;
/** Seconds are counted from here, so that they have 31 bits until 2088; epoch seconds. */
const BEGINNING = Date.UTC(2020, 0) / SECOND_MS;
/** In place of the seconds of Infinity, which is no whole number; nothing was ever so long ago. */
const NEVER = -(2 ** 30);

/**
 * A state as this process holds it; verified while its generation is the cache's. It is the state itself: among many,
 * each further object on the way to an answer is one more that the processor has to wait for. Its moments are two
 * whole numbers each for the same reason: only those of 31 bits lie in the object itself.
 */
export class MemoryState extends CompactState implements HeldState {
  readonly generation: number;
  readonly #verifiedSeconds: number;
  readonly #verifiedMs: number;
  readonly #recheckSeconds: number;
  readonly #recheckMs: number;

  constructor(state: CompactState, verifiedAt: number, recheckAt: number, generation: number) {
    super(state.accessDeniedReason, state.set, state.own);
    this.generation = generation;
    this.#verifiedSeconds = secondsOf(verifiedAt);
    this.#verifiedMs = msOf(verifiedAt);
    this.#recheckSeconds = secondsOf(recheckAt);
    this.#recheckMs = msOf(recheckAt);
  }

  get verifiedAt(): number {
    return momentOf(this.#verifiedSeconds, this.#verifiedMs);
  }

  get recheckAt(): number {
    return momentOf(this.#recheckSeconds, this.#recheckMs);
  }

  get state(): CustomerState {
    return this;
  }

  /** What it takes on the heap besides what it shares. */
  get bytes(): number {
    return objectBytes(9) + this.ownBytes;
  }

  asUnverified(): MemoryState {
    return this.generation === UNVERIFIED ? this : new MemoryState(this, this.verifiedAt, this.recheckAt, UNVERIFIED);
  }
}

function secondsOf(moment: number): number {
  return moment === Infinity ? NEVER : Math.floor(moment / SECOND_MS) - BEGINNING;
}

function msOf(moment: number): number {
  return moment === Infinity ? 0 : moment - Math.floor(moment / SECOND_MS) * SECOND_MS;
}

function momentOf(seconds: number, ms: number): number {
  return seconds === NEVER ? Infinity : (BEGINNING + seconds) * SECOND_MS + ms;
}
