import { UPSTREAM_LAG_MS } from "../../domain/freshness/freshness.js";

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
  /** How long messages are held while Redis takes no writes: to give them back costs a receipt, and too many send them to the dead-letter queue. */
  readonly holdMs: number;
  /** How often upstream is asked for one subject that it fails for while it answers for others. */
  readonly maxAttempts: number;
  /** When upstream is asked again after an answer that may be from before what a message said, milliseconds after the first; by the last it is taken to have caught up. */
  readonly confirmAfterMs: readonly number[];
  /** Of how many states that is remembered: more than are swept until the last. */
  readonly maxUnconfirmed: number;
  /** How many messages may wait for upstream. */
  readonly maxWaitingForUpstream: number;
  /** How many states are refetched in a second once all may be others. */
  readonly sweptPerSecond: number;
  /** How long a poll of the queue waits for messages where there are none, whole seconds: as long may the end take of a service that is idle. */
  readonly pollSeconds: number;
  /** How long the end may take of one that is not. */
  readonly graceMs: number;
}

export const TUNING: Tuning = {
  consumers: 10,
  maxWrites: 50,
  redisTimeoutMs: 2_000,
  firstDelayMs: 250,
  longestDelayMs: 5_000,
  maxConcurrentFetches: 64,
  holdMs: 300_000,
  maxAttempts: 5,
  confirmAfterMs: [5_000, 30_000, UPSTREAM_LAG_MS],
  maxUnconfirmed: 20_000,
  maxWaitingForUpstream: 1_000,
  sweptPerSecond: 100,
  pollSeconds: 5,
  graceMs: 15_000,
};
