import type { CustomerState } from "../../../../domain/customer-state.js";
import type { Subject } from "../../../../domain/subject.js";
import type { CachedState, CacheStore, FetchedState } from "../../../../ports/cache-store.js";
import type { CompactState } from "../../memory/compact-state.js";

/**
 * The states at hand in this process: what is done to it is done before the call returns. It is told of every write
 * to Redis, most of them of nobody it knows, so to doubt costs next to nothing there.
 */
export interface NearStore extends CacheStore {
  /** What `load` resolves with. */
  find(subject: Subject): CachedState | undefined;
  /** What `put` resolves with. */
  keep(subject: Subject, fetched: FetchedState): CachedState;
  /** A state in the form in which states are kept here; what it shares with them stays ready until it is released. */
  hold(state: CustomerState): CompactState;
  release(state: CompactState): void;
  /** From now on what is held of one subject is not verified. */
  doubt(customerId: string, resourceId: string | undefined): void;
  /** The same of all resources of a customer. */
  doubtResources(customerId: string): void;
}
