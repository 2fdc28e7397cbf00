import type { SubjectChange } from "../domain/change.js";
import type { CustomerState } from "../domain/customer-state.js";
import type { Standing } from "../domain/freshness/freshness.js";
import type { Subject } from "../domain/subject.js";

/** A state cached in this process. Immutable: a change makes a new one. */
export interface CachedState extends Omit<Standing, "isVerified"> {
  readonly state: CustomerState;
}

/** A state as a store knows it: where it is not verified, it serves only if upstream cannot be asked. */
export interface StoredState extends CachedState, Standing {}

/** A state that a store was asked for. */
export interface LoadedState extends StoredState {
  /** Where the store had it: in this process, or where others share it. */
  readonly origin: "memory" | "redis";
}

/** What came of asking upstream. */
export interface FetchedState extends CachedState, Standing {
  /**
   * False where the fetch was superseded (domain/freshness/transitions): the answer never replaces a stored state that it
   * is not provably newer than, and is itself not verified.
   */
  readonly isVerified: boolean;
}

/**
 * Where states are kept, for one process or for many. Every write is newest-wins (domain/newest-wins), and how fresh a
 * state is after it says domain/freshness/transitions; a store drops whole subjects to stay within its bound, and nothing else removes a known state.
 *
 * The asynchronous methods reject with a CodedError `unavailable` when the store cannot be reached, all but `load`
 * within the store's own time limit; the memory store never rejects.
 */
export interface CacheStore {
  /** Whether what is kept outside of this process takes long to come for now: whoever can ask elsewhere does so beside it. */
  readonly isSlow: boolean;

  /**
   * What this process can vouch for, at once: undefined where nothing is held or what is held is not verified.
   * On the path of every check: allocates what it returns at most, which is small and soon dead; never throws.
   */
  peek(customerId: string, resourceId: string | undefined): CachedState | undefined;

  /** What this process holds, verified or not, at once. */
  find(subject: Subject): LoadedState | undefined;

  /** Whether a `load` would fail since more is asked for than can be loaded in time: then what `find` finds is all there is. */
  refuses(subject: Subject): boolean;

  /**
   * What the store knows, verified or not.
   *
   * @param waitMs how long to wait for what is kept outside of this process, milliseconds; after that the answer
   * is as if it could not be reached: what this process holds, or a failure. 0: asks nobody else. What comes later
   * is kept all the same. Not given: until it comes, or cannot come any more
   */
  load(subject: Subject, waitMs?: number): Promise<LoadedState | undefined>;

  /** Stores what was fetched and tells what is known now, which may be newer than what was fetched. */
  put(subject: Subject, fetched: FetchedState): Promise<StoredState>;

  /**
   * Applies a change of one subject (domain/apply-subject-change). Usage of a subject that is not held is
   * dropped. A change of a customer's own entitlements makes the states of its resources unverified.
   */
  apply(change: SubjectChange, verifiedAt: number): Promise<void>;

  /** Removes one subject. */
  forget(subject: Subject): Promise<void>;

  /** From now on nothing held is verified, until it is put or changed again. Constant time. */
  markAllUnverified(): Promise<void>;

  /** Subjects held, most recently used first, at most `limit`: what is worth refetching after a gap. */
  recentlyUsed(limit: number): Iterable<Subject>;

  readonly size: CacheSize;

  /**
   * How every state that this process holds stands, without the state. For counting in slices: what is put or removed
   * between two steps may be told twice or not at all.
   */
  holdings(): Iterable<Standing>;
}

export interface CacheSize {
  readonly subjects: number;
  readonly bytes: number;
  readonly maxBytes: number;
}

/** Cached states as bytes, for whoever keeps them across the end of a process. What it does is done when a call returns. */
export interface SnapshotStates {
  /** Subjects that are cached, some at a time. What changes meanwhile may be among them or not: see `onChange`. */
  subjects(): Iterable<readonly Subject[]>;
  /** The present states of some subjects, and of those that are not cached any more that they are not. */
  encode(subjects: readonly Subject[]): Buffer;
  /**
   * Caches what `encode` gave, in place of what is cached of its subjects. Nothing of it is vouched for: it serves where
   * nothing newer can be had.
   *
   * @returns how many subjects it tells of
   * @throws CodedError `invalid-argument` where it is not what `encode` gives; then nothing of it is cached
   */
  restore(bytes: Buffer): number;
  /** Calls back for each subject whose state is another, or gone. */
  onChange(listener: (subject: Subject) => void): void;
}
