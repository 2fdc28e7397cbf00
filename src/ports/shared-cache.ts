import type { EntitlementsUpdated, UsageUpdated } from "../domain/change.js";
import type { PendingAmounts } from "../domain/outbox/pending-amounts.js";
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

/**
 * Processes that share a store take turns to ask upstream for a subject: one asks, and the others find what it
 * stored. Nobody waits for long: a process that asks and never ends its turn, or whose signal gets lost, costs the
 * others no more than a share of a check's budget, and then they ask as well.
 */
export interface CrossProcessSingleFlight {
  /**
   * Waits until this process may ask. Never rejects: where the others cannot be reached, it may ask at once.
   *
   * @param isThere looks whether what is wanted is in the store by now; called once nobody else is asking, and
   * whenever another process may have brought it
   * @returns undefined once it is there, and there is nothing to ask any more
   */
  acquireLease(subject: Subject, isThere: () => Promise<boolean>): Promise<Lease | undefined>;
}

/** The right to ask upstream, for all who wait. */
export interface Lease {
  /**
   * Gives the turn back, whatever came of it. Returns at once and never throws.
   *
   * @param isStored whether the state is in the store now, for everybody to read
   */
  end(isStored: boolean): void;
}

/**
 * Between those who share a store: most of them hear no changes themselves, and trust what the store holds for as long as another
 * hears them all.
 */
export interface SharedHearing {
  /** From here on this process hears changes. Never throws, and nobody waits for it. */
  connected(): void;
  disconnected(): void;
  /** What is known of anybody may be another now: those who do not hear changes themselves are to know that. Never throws. */
  allMayHaveChanged(): void;
  /** @param onUnheard called with a time before which changes may have been missed, epoch milliseconds */
  follow(onUnheard: (before: number) => void): void;
  /**
   * For a process that hears no changes itself.
   *
   * @param onChange called with false once nobody says any more that it hears them, though somebody did, and with true once one
   * does again
   */
  watch(onChange: (isSomebodyHearing: boolean) => void): void;
}

/** What waits in the outboxes of all who share a cache. */
export interface SharedPending {
  /** How long what was written lasts unless it is written again, milliseconds: nobody's amounts outlive him by more. */
  readonly lastsMs: number;
  /** How many subjects others have something of. */
  readonly othersSize: number;

  /** What others have of a subject; undefined: nothing. */
  ofOthers(customerId: string, resourceId: string | undefined): readonly PendingAmounts[] | undefined;

  /**
   * Lets others know what waits here of some subjects; of one without amounts nothing does any more.
   *
   * @throws CodedError where that cannot be written: it is to be tried again
   */
  write(pending: readonly { readonly subject: Subject; readonly amounts: PendingAmounts }[]): Promise<void>;

  /**
   * Begins to follow what others have. Never throws.
   *
   * @param onForgotten called with a subject of which something is kept in this outbox's name that this process has
   *   not written
   * @param onMaybeLost called where what was written may be gone: it is to be written again
   */
  start(onForgotten: (subject: Subject) => void, onMaybeLost: () => void): void;

  /** No call comes after it resolves. What was written stays for as long as it lasts: it waits on disk. */
  stop(): Promise<void>;
}
