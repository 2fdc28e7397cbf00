/** Where an answer came from. */
export const ANSWER_SOURCES = ["memory", "redis", "upstream", "stale", "fallback"] as const;

export type AnswerSource = (typeof ANSWER_SOURCES)[number];

/** What the service depends on, as far as it is configured to. */
export const DEPENDENCIES = ["edge", "api", "update_stream", "redis", "redis_invalidations", "shared_cache", "queue", "catalog_file", "tls_files"] as const;

export type DependencyName = (typeof DEPENDENCIES)[number];

/** Whether one thing that the service depends on works: false until it is known to. */
export class DependencyState {
  readonly name: DependencyName;
  readonly #all: Set<DependencyState>;
  #isUp = false;

  constructor(name: DependencyName, all: Set<DependencyState>) {
    this.name = name;
    this.#all = all;
    all.add(this);
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  set(isUp: boolean): void {
    this.#isUp = isUp;
  }

  /** It is in use no more. */
  release(): void {
    this.#all.delete(this);
  }
}

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
  /** Answers from a state that may have changed since: nothing vouched for it at that time, wherever it came from. */
  staleAnswers: number;
  /** When the update stream last brought a change, epoch milliseconds; 0: never. */
  lastStreamMessageAt: number;
  /** The circuit breakers by the upstream that they guard, whether each is open. */
  readonly openBreakers: Map<string, boolean>;
  /** Of everything in use; one name can stand for several connections. */
  readonly dependencies: Set<DependencyState>;
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
    staleAnswers: 0,
    lastStreamMessageAt: 0,
    openBreakers: new Map(),
    dependencies: new Set(),
  };
}
