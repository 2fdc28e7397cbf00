import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { ConsumptionTelemetry } from "../../ports/consumption-telemetry.js";
import type { Logger } from "../../ports/logger.js";
import type { SharedCacheStatistics } from "../../ports/shared-cache.js";
import { processMetrics } from "./process-metrics.js";

/** Seconds: a write is a round trip to Redis, a message may wait for upstream. */
const WRITE_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1];
const HANDLING_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** What Prometheus reads of the consumption of changes, and of the cache that they are written to. */
export class ConsumptionMetrics implements ConsumptionTelemetry {
  readonly #registry = new Registry();
  readonly #readStatistics: () => Promise<SharedCacheStatistics>;
  readonly #logger: Logger;
  readonly #writeDuration: Histogram;
  readonly #writeErrors: Counter;
  readonly #handlingDuration: Histogram;
  readonly #processed: Counter;
  readonly #rejected: Counter;
  readonly #refetchFailures: Counter;
  readonly #statistics: readonly (readonly [Gauge, (statistics: SharedCacheStatistics) => number])[];

  constructor(readStatistics: () => Promise<SharedCacheStatistics>, logger: Logger) {
    this.#readStatistics = readStatistics;
    this.#logger = logger;
    const registers = [this.#registry];
    this.#writeDuration = new Histogram({
      name: "persistent_cache_write_duration_seconds",
      help: "How long a round trip took that wrote to Redis.",
      buckets: WRITE_BUCKETS,
      registers,
    });
    this.#writeErrors = new Counter({ name: "persistent_cache_write_errors_total", help: "Round trips that were to write to Redis and did not succeed.", registers });
    this.#handlingDuration = new Histogram({
      name: "persistent_cache_message_handling_duration_seconds",
      help: "How long a message took from its receipt until its effect was in Redis and it was taken off the queue.",
      buckets: HANDLING_BUCKETS,
      registers,
    });
    this.#processed = new Counter({ name: "persistent_cache_messages_processed_total", help: "Messages whose effect is in Redis.", registers });
    this.#rejected = new Counter({ name: "persistent_cache_messages_rejected_total", help: "Messages that could not be understood, each time they came.", registers });
    this.#refetchFailures = new Counter({ name: "persistent_cache_refetch_failures_total", help: "States that could not be refetched: upstream refuses the subject, or goes on failing for it while it answers for others.", registers });
    this.#statistics = STATISTICS.map(([name, help, read]) => [new Gauge({ name, help, registers }), read]);
  }

  stopwatch(): () => number {
    const begin = performance.now();
    return () => (performance.now() - begin) / 1_000;
  }

  wrote(seconds: number): void {
    this.#writeDuration.observe(seconds);
  }

  writeFailed(): void {
    this.#writeErrors.inc();
  }

  handled(messages: number, seconds: number): void {
    this.#processed.inc(messages);
    for (let message = 0; message < messages; message++) this.#handlingDuration.observe(seconds);
  }

  refetchFailed(): void {
    this.#refetchFailures.inc();
  }

  rejected(): void {
    this.#rejected.inc();
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  async render(): Promise<string> {
    await this.#askForStatistics();
    return `${await this.#registry.metrics()}\n${await processMetrics().metrics()}`;
  }

  /** Where Redis does not answer, its figures stay as they were; the others are needed most just then. */
  async #askForStatistics(): Promise<void> {
    try {
      const statistics = await this.#readStatistics();
      for (const [gauge, read] of this.#statistics) gauge.set(read(statistics));
    } catch (error) {
      this.#logger.debug("Redis did not tell its statistics", { error });
    }
  }
}

const STATISTICS: readonly (readonly [name: string, help: string, read: (statistics: SharedCacheStatistics) => number])[] = [
  ["persistent_cache_hit_ratio", "Reads of Redis that found something, of all reads since it was started: from 0 to 1, whoever read.", hitRatio],
  ["persistent_cache_hits_total", "Reads of Redis that found something, since it was started, whoever read.", ({ hits }) => hits],
  ["persistent_cache_misses_total", "Reads of Redis that found nothing, since it was started, whoever read.", ({ misses }) => misses],
  ["persistent_cache_memory_usage_bytes", "Memory that Redis uses.", ({ memoryBytes }) => memoryBytes],
];

function hitRatio({ hits, misses }: SharedCacheStatistics): number {
  return hits + misses === 0 ? 0 : hits / (hits + misses);
}
