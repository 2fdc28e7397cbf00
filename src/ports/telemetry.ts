/** Where an answer came from. */
export const ANSWER_SOURCES = ["memory", "redis", "upstream", "stale", "fallback"] as const;

export type AnswerSource = (typeof ANSWER_SOURCES)[number];

/**
 * What the service counts, as plain numbers that only grow: counting costs an addition, and whoever
 * exports them reads them when asked.
 */
export interface Telemetry {
  initializationErrors: number;
  invalidApiKeyErrors: number;
  networkRequestErrors: number;
  /** Parts of upstream's answers and events that could not be used and were left out. */
  malformedUpstreamData: number;
  /** Fetches of a state that upstream refused, while it works for others. */
  refusedFetches: number;
  redisClientErrors: number;
  /** Checks answered from a state that was cached and usable. */
  cacheHits: number;
  /** Checks for which a state had to be fetched first. */
  cacheMisses: number;
  cacheEvictions: number;
  readonly answers: Record<AnswerSource, number>;
}

export function newTelemetry(): Telemetry {
  return {
    initializationErrors: 0,
    invalidApiKeyErrors: 0,
    networkRequestErrors: 0,
    malformedUpstreamData: 0,
    refusedFetches: 0,
    redisClientErrors: 0,
    cacheHits: 0,
    cacheMisses: 0,
    cacheEvictions: 0,
    answers: { memory: 0, redis: 0, upstream: 0, stale: 0, fallback: 0 },
  };
}
