import { CodedError } from "../../../../domain/errors.js";

/** Values that nobody orders by a timestamp, and that go by themselves. */
export interface ExpiringValues {
  /** Ends, and rejects, as all RedisCommands do. @param lastsMs milliseconds, 1 or more */
  setFor(values: readonly (readonly [key: string, value: string])[], lastsMs: number): Promise<void>;
}

/** What those who keep a Redis, rather than answer from it, want to know of it. */
export interface RedisInsight {
  /** True while commands can be expected to succeed: in a Cluster, on every master. */
  readonly isConnected: boolean;
  /**
   * Calls back on every change of `isConnected`.
   *
   * @returns what ends that
   */
  onConnectionChange(listener: (isConnected: boolean) => void): () => void;
  /** Rejects, as every command, with a CodedError `unavailable` within the command time limit. */
  ping(): Promise<void>;
  /**
   * All keys that begin so, taken literally, in batches of about that size; a key may come twice, and one that is
   * written or removed meanwhile may come or not. Costs Redis a look at each of its keys, a few at a time.
   */
  scan(prefix: string, batchSize: number): AsyncIterable<readonly string[]>;
  /** Summed up over the masters. */
  stats(): Promise<RedisStats>;
}

/** As Redis counts since it started. */
export interface RedisStats {
  readonly keyspaceHits: number;
  readonly keyspaceMisses: number;
  readonly usedMemoryBytes: number;
}

/** One key's value with its timestamp, to be written unless what is stored is newer. */
export interface KeyWrite {
  readonly key: string;
  readonly value: string;
  /**
   * The data's own timestamp, epoch milliseconds; undefined: written whatever is stored, as of now; 0, as of a state
   * without entitlements: written whatever is stored, as of 0.
   */
  readonly updatedAt: number | undefined;
}

/** Writes that belong together: of one subject's state, or of one usage. */
export interface WriteGroup {
  readonly writes: readonly KeyWrite[];
  /** A key without which nothing of the group is written. */
  readonly onlyIfExists?: string | undefined;
  /** Nothing of the group is written where this timestamp's key has a later one than that, epoch milliseconds. */
  readonly unlessLater?: { readonly key: string; readonly than: number } | undefined;
}

/** What became of one write. */
export type WriteOutcome =
  | { readonly outcome: "written" | "not-cached" }
  /** It yields to what is stored, as its group says. */
  | { readonly outcome: "withheld" }
  /** What is stored is newer, and stays. */
  | { readonly outcome: "older"; readonly stored: string; readonly storedAt: number };

/** Whether it is another's; if not, whether the key that was looked for was there once it was taken, as far as can be seen. */
export type LockOutcome = "of-another" | "taken-and-absent" | "taken-and-maybe-there";

/** Keys, or what names them once they are sent: what waits is small then, and knows what was learnt meanwhile. */
export type KeysToRead = readonly string[] | (() => readonly string[]);

/**
 * What this project asks of a Redis, whether it is one server, a Sentinel set or a Cluster.
 *
 * Every method but `readLate` ends within the command time limit, and all reject with a CodedError alone: `unavailable` where Redis
 * cannot be reached, does not answer in time or fails; `failed-precondition` where it refuses writes for now (a
 * read-only replica, no memory left). No command waits for a connection: without one it is refused at once,
 * unless the very first attempt to have one is still under way.
 */
export interface RedisCommands {
  /** Whether answers take longer than the time limit for now: then only `readLate` asks. */
  readonly isSlow: boolean;
  /** Whether `readLate` would be refused for the number of reads that wait already. */
  readonly isOverloaded: boolean;
  /** The values of keys, in order, in one round trip (in a Cluster: one for each node). */
  read(keys: readonly string[]): Promise<readonly (string | null)[]>;
  /**
   * The same without the time limit: an answer counts however late it comes, until the connection ends. Reads of one turn go
   * together; rejects with `resource-exhausted` at once where more are asked for than can be answered in time.
   *
   * @param keys named by a function only once they are sent, if they wait for their turn
   * @param isUrgent whether others wait for it: it is sent before all that wait for their turn, and never refused for their number
   */
  readLate(keys: KeysToRead, isUrgent?: boolean): Promise<readonly (string | null)[]>;
  /**
   * Newest wins, inside Redis, in one round trip (in a Cluster: three); an outcome for every write of every group, in
   * order. A group is written as one, unless it has more than 24 writes, and except in a Cluster: there each value
   * is on its own, and its timestamp key follows as advice to others.
   */
  writeNewest(groups: readonly WriteGroup[]): Promise<readonly (readonly WriteOutcome[])[]>;
  delete(keys: readonly string[]): Promise<void>;
  /** Takes a lock for a time, unless someone has it. */
  lock(key: string, token: string, durationMs: number): Promise<boolean>;
  /** The same, and then looks whether a key is there: in one round trip (in a Cluster: two). */
  lockAndLook(key: string, token: string, durationMs: number, lookFor: string): Promise<LockOutcome>;
  /** Gives a lock back that is still this token's. */
  unlock(key: string, token: string): Promise<void>;
  publish(channel: string, message: string): Promise<void>;
}

/** What whoever waits for Redis is told once it has waited for so long, milliseconds. */
export function redisIsLate(waitMs: number): CodedError {
  return new CodedError("unavailable", `Redis did not answer within ${Math.round(waitMs)} ms`);
}

/** Lists of which each member goes by itself, unless it is listed again; ends, and rejects, as all RedisCommands do. */
export interface ExpiringLists {
  /**
   * Lists members, and lets go of those whose time is over.
   *
   * @param now of a clock that all who write this list have about the same of, epoch milliseconds
   * @param lastsMs from then on, milliseconds: for the members, and for the list unless more is listed
   */
  list(key: string, members: readonly string[], now: number, lastsMs: number): Promise<void>;
  unlist(key: string, members: readonly string[]): Promise<void>;
  /** All members, also those whose time is over, in batches of about that size; one may come twice. */
  listed(key: string, batchSize: number): AsyncIterable<readonly string[]>;
}
