import type { CustomerState } from "../../../domain/customer-state.js";
import type { CachedState } from "../../../ports/cache-store.js";
import { CompactState } from "./compact-state.js";
import type { EntitlementSet } from "./entitlement-schema.js";
import { objectBytes } from "./heap-sizes.js";
import type { OwnNumbers } from "./own-numbers.js";

/** Never a cache's generation: what carries it is not verified. */
export const UNVERIFIED = -1;

const SECOND_MS = 1_000;
/** Seconds are counted from here, so that they have 32 bits from 1951 to 2088; epoch seconds. */
const BEGINNING = Date.UTC(2020, 0) / SECOND_MS;
const FIRST_SECOND = -(2 ** 31);
/** In place of the seconds of Infinity, and of all that is as good as it. */
const NEVER = 2 ** 31 - 1;

/** What is left of both timestamps besides whole seconds, and whether there are ends, in one whole number. */
const MS_BITS = 10;
const MS_MASK = 2 ** MS_BITS - 1;
const HAS_ENDS = 2 ** (2 * MS_BITS);

/** How a state is held, in whole numbers of 32 bits: only those lie in an object, or in a place of a table, itself. */
export interface Holding {
  readonly generation: number;
  readonly verifiedSeconds: number;
  readonly recheckSeconds: number;
  readonly rest: number;
}

/**
 * A state as this process holds it; verified while its generation is the cache's. It is the state itself and has nothing
 * but references and small whole numbers, so that whoever keeps those can make it again when it is asked for: among
 * many, each further object on the way to an answer is one more that the processor has to wait for.
 */
export class MemoryState extends CompactState implements CachedState, Holding {
  readonly generation: number;
  readonly verifiedSeconds: number;
  readonly recheckSeconds: number;
  readonly rest: number;

  constructor(
    set: EntitlementSet,
    own: OwnNumbers,
    generation: number,
    verifiedSeconds: number,
    recheckSeconds: number,
    rest: number,
  ) {
    super(set, own, (rest & HAS_ENDS) !== 0);
    this.generation = generation;
    this.verifiedSeconds = verifiedSeconds;
    this.recheckSeconds = recheckSeconds;
    this.rest = rest;
  }

  /** Both timestamps are epoch milliseconds, of which whole ones are kept, and the nearest from 1951 on; from 2088 on it is never. */
  static of(
    { set, own, hasEnds }: CompactState,
    verifiedAt: number,
    recheckAt: number,
    generation: number,
  ): MemoryState {
    const rest = (hasEnds ? HAS_ENDS : 0) | (msOf(verifiedAt) << MS_BITS) | msOf(recheckAt);
    return new MemoryState(set, own, generation, secondsOf(verifiedAt), secondsOf(recheckAt), rest);
  }

  get verifiedAt(): number {
    return timestampOf(this.verifiedSeconds, (this.rest >> MS_BITS) & MS_MASK);
  }

  get recheckAt(): number {
    return timestampOf(this.recheckSeconds, this.rest & MS_MASK);
  }

  get state(): CustomerState {
    return this;
  }

  asUnverified(): MemoryState {
    const { set, own, generation, verifiedSeconds, recheckSeconds, rest } = this;
    return generation === UNVERIFIED
      ? this
      : new MemoryState(set, own, UNVERIFIED, verifiedSeconds, recheckSeconds, rest);
  }
}

/** What a state takes that is kept as an object, besides its numbers. */
export const MEMORY_STATE_BYTES = objectBytes(7);

function secondsOf(timestamp: number): number {
  return Math.min(NEVER, Math.max(FIRST_SECOND, Math.floor(timestamp / SECOND_MS) - BEGINNING));
}

function msOf(timestamp: number): number {
  return timestamp === Infinity ? 0 : Math.floor(timestamp - Math.floor(timestamp / SECOND_MS) * SECOND_MS);
}

function timestampOf(seconds: number, ms: number): number {
  return seconds === NEVER ? Infinity : (BEGINNING + seconds) * SECOND_MS + ms;
}
