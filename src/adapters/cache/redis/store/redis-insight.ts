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
