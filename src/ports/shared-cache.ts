import type { EntitlementsUpdated, UsageUpdated } from "../domain/change.js";
import type { Subject } from "../domain/subject.js";

/** One change on its way into the shared cache. */
export interface SharedWrite {
  readonly change: EntitlementsUpdated | UsageUpdated;
  /** Orders what of the change has no timestamp of its own, epoch milliseconds. */
  readonly at: number;
  /** Dropped where the subject has no state in the cache. */
  readonly onlyIfCached: boolean;
  /** Until when it is believed, epoch milliseconds, since it may be from before a change; not given: for as long as it lasts. */
  readonly believedUntil?: number | undefined;
  /** Dropped where what is stored has a later timestamp than this, epoch milliseconds: for a set without one of its own. */
  readonly unlessStoredAfter?: number | undefined;
}

/** What the shared cache says of itself. */
export interface SharedCacheStatistics {
  /** Reads that found something, and reads that did not, since the cache was started; whoever read. */
  readonly hits: number;
  readonly misses: number;
  readonly memoryBytes: number;
}

/**
 * The states that many processes share, as seen by who keeps them up to date.
 *
 * The asynchronous methods reject with a CodedError: `unavailable` where the cache cannot be reached or does not
 * answer in time, `failed-precondition` where it takes no writes for now.
 */
export interface SharedCache {
  /** Writes in this order and newest-wins (domain/newest-wins), all in one round trip. */
  write(writes: readonly SharedWrite[]): Promise<void>;

  isCached(subject: Subject): Promise<boolean>;

  /** Removes the state of a subject. */
  purge(subject: Subject): Promise<void>;

  /** Everybody who has a state, batch by batch: each at least once, unless the state comes or goes meanwhile. */
  subjects(): AsyncIterable<readonly Subject[]>;

  /** Resolves where writes are taken. */
  probe(): Promise<void>;

  /** Whether the cache has lost what it had confirmed to this process: it has come back from an old copy, or empty. */
  hasOlderData(): Promise<boolean>;

  statistics(): Promise<SharedCacheStatistics>;

  readonly isConnected: boolean;

  /** Calls back whenever the connection comes or goes. */
  onConnectionChange(listener: () => void): void;
}
