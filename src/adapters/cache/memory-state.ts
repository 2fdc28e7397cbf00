import type { CustomerState } from "../../domain/customer-state.js";
import type { HeldState } from "../../ports/cache-store.js";
import { CompactState } from "./compact-state.js";
import { objectBytes } from "./heap-sizes.js";
import { generationIn, holdNumbers, recheckAtIn, UNVERIFIED, verifiedAtIn, type Holding } from "./own-numbers.js";

/**
 * A state as this process holds it; verified while its generation is the cache's. It is the state itself and has nothing
 * that is not in the set or the numbers, so that whoever keeps those two can make it again when it is asked for: among
 * many, each further object on the way to an answer is one more that the processor has to wait for.
 */
export class MemoryState extends CompactState implements HeldState {
  static of(state: CompactState, holding: Holding): MemoryState {
    return new MemoryState(state.set, holdNumbers(state.own, holding));
  }

  get generation(): number {
    return generationIn(this.own);
  }

  get verifiedAt(): number {
    return verifiedAtIn(this.own);
  }

  get recheckAt(): number {
    return recheckAtIn(this.own);
  }

  get state(): CustomerState {
    return this;
  }

  asUnverified(): MemoryState {
    const { verifiedAt, recheckAt, generation } = this;
    return generation === UNVERIFIED ? this : MemoryState.of(this, { verifiedAt, recheckAt, generation: UNVERIFIED });
  }
}

/** What a state takes that is kept as an object, besides its numbers. */
export const MEMORY_STATE_BYTES = objectBytes(2);
