import type { CustomerState } from "../../domain/customer-state.js";
import type { HeldState } from "../../ports/cache-store.js";
import { CompactState } from "./compact-state.js";
import { BOXED_NUMBER_BYTES, objectBytes } from "./heap-sizes.js";

/** Never a cache's generation: what carries it is not verified. */
export const UNVERIFIED = -1;

/**
 * A state as this process holds it; verified while its generation is the cache's. It is the state itself: among many,
 * each further object on the way to an answer is one more that the processor has to wait for.
 */
export class MemoryState extends CompactState implements HeldState {
  readonly verifiedAt: number;
  readonly recheckAt: number;
  readonly generation: number;

  constructor(state: CompactState, verifiedAt: number, recheckAt: number, generation: number) {
    super(state.accessDeniedReason, state.set, state.own);
    this.verifiedAt = verifiedAt;
    this.recheckAt = recheckAt;
    this.generation = generation;
  }

  get state(): CustomerState {
    return this;
  }

  /** What it takes on the heap besides what it shares. */
  get bytes(): number {
    return objectBytes(7) + 2 * BOXED_NUMBER_BYTES + this.ownBytes;
  }

  asUnverified(): MemoryState {
    return this.generation === UNVERIFIED ? this : new MemoryState(this, this.verifiedAt, this.recheckAt, UNVERIFIED);
  }
}
