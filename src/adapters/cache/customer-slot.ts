import type { HeldState } from "../../ports/cache-store.js";
import { estimateStateBytes, estimateStringBytes } from "./state-size.js";

/** Bytes of a slot's own, of its place in the index, and of one held state besides the state itself. */
const SLOT_BYTES = 200;
const HELD_BYTES = 64;

/** A state held in memory; verified while its generation is the cache's. */
export interface MemoryState extends HeldState {
  readonly generation: number;
}

/** Never a cache's generation: what carries it is not verified. */
export const UNVERIFIED = -1;

/** What is held of one customer: its own state and those of its resources. Keeps count of the bytes it takes. */
export class CustomerSlot {
  readonly customerId: string;
  #own: MemoryState | undefined;
  #resources: Map<string, MemoryState> | undefined;
  #bytes: number;

  constructor(customerId: string) {
    this.customerId = customerId;
    this.#bytes = SLOT_BYTES + estimateStringBytes(customerId);
  }

  get bytes(): number {
    return this.#bytes;
  }

  get subjectCount(): number {
    return (this.#own === undefined ? 0 : 1) + (this.#resources?.size ?? 0);
  }

  get(resourceId: string | undefined): MemoryState | undefined {
    return resourceId === undefined ? this.#own : this.#resources?.get(resourceId);
  }

  set(resourceId: string | undefined, held: MemoryState): void {
    this.delete(resourceId);
    if (resourceId === undefined) this.#own = held;
    else (this.#resources ??= new Map()).set(resourceId, held);
    this.#bytes += bytesOf(resourceId, held);
  }

  delete(resourceId: string | undefined): void {
    const held = this.get(resourceId);
    if (held === undefined) return;
    if (resourceId === undefined) this.#own = undefined;
    else this.#resources?.delete(resourceId);
    this.#bytes -= bytesOf(resourceId, held);
  }

  /** Drops the resource that was written longest ago; false where there is none. */
  dropOldestResource(): boolean {
    const oldest = this.#resources?.keys().next();
    if (oldest?.done !== false) return false;
    this.delete(oldest.value);
    return true;
  }

  /** From now on the states of the customer's resources are not verified. */
  doubtResources(): void {
    for (const [resourceId, held] of this.#resources ?? []) {
      this.#resources?.set(resourceId, { ...held, generation: UNVERIFIED });
    }
  }

  *resourceIds(): Iterable<string | undefined> {
    if (this.#own !== undefined) yield undefined;
    if (this.#resources !== undefined) yield* this.#resources.keys();
  }
}

function bytesOf(resourceId: string | undefined, held: MemoryState): number {
  return HELD_BYTES + estimateStringBytes(resourceId) + estimateStateBytes(held.state);
}
