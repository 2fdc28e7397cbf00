import type { CustomerState } from "../../../../domain/customer-state.js";
import type { Subject } from "../../../../domain/subject.js";
import type { CacheStore, FetchedState, LoadedState, StoredState } from "../../../../ports/cache-store.js";
import type { CompactState } from "../../memory/compact-state.js";

/**
 * The cached states in this process: what is done to it is done before the call returns. It is notified of every write
 * to Redis, most of them of nobody it knows, so marking one stale costs next to nothing there.
 */
export interface NearStore extends CacheStore {
  /** What `load` resolves with. */
  find(subject: Subject): LoadedState | undefined;
  /** What `put` resolves with. */
  keep(subject: Subject, fetched: FetchedState): StoredState;
  /** A state in the form in which states are kept here; what it shares with them stays ready until it is released. */
  hold(state: CustomerState): CompactState;
  release(state: CompactState): void;
  /** From now on what is held of one subject is not verified. */
  markStale(customerId: string, resourceId: string | undefined): void;
  /** The same of all resources of a customer. */
  markResourcesStale(customerId: string): void;
}
