import type { Logger } from "../../../ports/logger.js";
import type { SharedCacheStatistics } from "../../../ports/shared-cache.js";
import { type ConsumptionTelemetry, DurationHistogram, type Telemetry } from "../../../ports/telemetry.js";
import { counter, gauge, histogram, type Metric, of } from "./metric.js";
import { type Build, buildMetrics, dependencyMetrics } from "./shared-metrics.js";

/** A write is a round trip to Redis, a message may wait for upstream; milliseconds. */
const WRITE_BOUNDS_MS = [0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000];
const HANDLING_BOUNDS_MS = [1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000];

/** What is counted of the consumption of changes. */
export class ConsumptionCounts implements ConsumptionTelemetry {
  readonly writes = new DurationHistogram(WRITE_BOUNDS_MS);
  readonly handling = new DurationHistogram(HANDLING_BOUNDS_MS);
  writeErrors = 0;
  processed = 0;
  rejectedMessages = 0;
  refetchFailures = 0;

  stopwatch(): () => number {
    const begin = performance.now();
    return () => (performance.now() - begin) / 1_000;
  }

  wrote(seconds: number): void {
    this.writes.observe(seconds * 1_000);
  }

  writeFailed(): void {
    this.writeErrors++;
  }

  handled(messages: number, seconds: number): void {
    this.processed += messages;
    this.handling.observe(seconds * 1_000, messages);
  }

  refetchFailed(): void {
    this.refetchFailures++;
  }

  rejected(): void {
    this.rejectedMessages++;
  }
}

/** Where the persistent-cache service's metrics are read from at a scrape. */
export interface ConsumptionSources {
  readonly build: Build;
  readonly telemetry: Readonly<Telemetry>;
  readonly counts: ConsumptionCounts;
  /** What Redis said of itself last. */
  readonly statistics: SharedCacheStatistics;
  readonly consumers: number;
  readonly isConnected: boolean;
}

const COUNT_METRICS: readonly Metric<ConsumptionCounts>[] = [
  histogram(
    "persistent_cache_write_duration_seconds",
    "How long a round trip took that wrote to Redis.",
    [],
    ({ writes }) => [[[], writes]],
  ),
  counter(
    "persistent_cache_write_errors_total",
    "Round trips that were to write to Redis and did not succeed, and while Redis takes no writes the tries that find out.",
    (c) => c.writeErrors,
  ),
  histogram(
    "persistent_cache_message_handling_duration_seconds",
    "How long a message took from its receipt until its effect was in Redis and it was taken off the queue.",
    [],
    ({ handling }) => [[[], handling]],
  ),
  counter("persistent_cache_messages_processed_total", "Messages whose effect is in Redis.", (c) => c.processed),
  counter(
    "persistent_cache_messages_rejected_total",
    "Messages that could not be understood, each time they came.",
    (c) => c.rejectedMessages,
  ),
  counter(
    "persistent_cache_refetch_failures_total",
    "States that could not be refetched: upstream refuses the subject, or goes on failing for it while it answers for others.",
    (c) => c.refetchFailures,
  ),
];

/** Redis's own counts begin anew when it starts, as counters may. */
const STATISTICS_METRICS: readonly Metric<SharedCacheStatistics>[] = [
  gauge(
    "persistent_cache_hit_ratio",
    "Reads of Redis that found something, of all reads since it was started: from 0 to 1, whoever read.",
    hitRatio,
  ),
  counter(
    "persistent_cache_hits_total",
    "Reads of Redis that found something, since it was started, whoever read.",
    ({ hits }) => hits,
  ),
  counter(
    "persistent_cache_misses_total",
    "Reads of Redis that found nothing, since it was started, whoever read.",
    ({ misses }) => misses,
  ),
  gauge("persistent_cache_memory_usage_bytes", "Memory that Redis uses.", ({ memoryBytes }) => memoryBytes),
];

/** Everything that the persistent-cache service tells Prometheus, in the order of the documentation. */
export const CONSUMPTION_METRICS: readonly Metric<ConsumptionSources>[] = [
  ...of((s: ConsumptionSources) => s.build, buildMetrics("persistent_cache")),
  ...of((s: ConsumptionSources) => s.counts, COUNT_METRICS),
  ...of((s: ConsumptionSources) => s.statistics, STATISTICS_METRICS),
  gauge(
    "persistent_cache_consumers",
    "How many wait for messages of the queue side by side; 0: nothing is received for now.",
    ({ consumers }) => consumers,
  ),
  gauge(
    "persistent_cache_redis_connected",
    "Whether Redis is connected and answers in time: 1, else 0.",
    ({ isConnected }) => (isConnected ? 1 : 0),
  ),
  ...of((s: ConsumptionSources) => s.telemetry, dependencyMetrics("persistent_cache")),
];

function hitRatio({ hits, misses }: SharedCacheStatistics): number {
  return hits + misses === 0 ? 0 : hits / (hits + misses);
}

/** What Redis tells of itself; while it does not answer, what it told last: everything else is needed most just then. */
export class LastStatistics {
  readonly #read: () => Promise<SharedCacheStatistics>;
  readonly #logger: Logger;
  #last: SharedCacheStatistics = { hits: 0, misses: 0, memoryBytes: 0 };

  constructor(read: () => Promise<SharedCacheStatistics>, logger: Logger) {
    this.#read = read;
    this.#logger = logger;
  }

  /** Never rejects. */
  async read(): Promise<SharedCacheStatistics> {
    try {
      this.#last = await this.#read();
    } catch (error) {
      this.#logger.debug("Redis did not tell its statistics", { error });
    }
    return this.#last;
  }
}
