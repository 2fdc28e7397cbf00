/** Bounds of the persistent-cache service that need no configuration. Times in milliseconds. */
export interface Tuning {
  /** How many wait for messages side by side. */
  readonly consumers: number;
  /** How many changes go to Redis in one round trip. */
  readonly maxWrites: number;
  /** Within which every command to Redis ends. */
  readonly redisTimeoutMs: number;
  /** How soon Redis, the queue or upstream is tried again after a failure; doubled each time up to the longest. */
  readonly firstDelayMs: number;
  readonly longestDelayMs: number;
  /** How many states are fetched at the same time. */
  readonly maxConcurrentFetches: number;
  /** How many messages may wait for upstream. */
  readonly maxWaitingForUpstream: number;
  /** How many states are refetched in a second once all may be others. */
  readonly sweptPerSecond: number;
  /** How long polls may still bring something once the service ends. */
  readonly lastPollMs: number;
  /** How long what is in hand may take to finish after that, all in all. */
  readonly graceMs: number;
}

export const TUNING: Tuning = {
  consumers: 10,
  maxWrites: 50,
  redisTimeoutMs: 2_000,
  firstDelayMs: 250,
  longestDelayMs: 5_000,
  maxConcurrentFetches: 16,
  maxWaitingForUpstream: 1_000,
  sweptPerSecond: 100,
  lastPollMs: 1_000,
  graceMs: 15_000,
};
