import type { CacheStore } from "../../../../ports/cache-store.js";

/**
 * The states at hand in this process: what is done to it is done before the call returns. It is told of every write
 * to Redis, most of them of nobody it knows, so to doubt costs next to nothing there.
 */
export interface NearStore extends CacheStore {
  /** From now on what is held of one subject is not verified. */
  doubt(customerId: string, resourceId: string | undefined): void;
  /** The same of all resources of a customer. */
  doubtResources(customerId: string): void;
}
