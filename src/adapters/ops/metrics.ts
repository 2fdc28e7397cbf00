import { Counter, Gauge, Registry } from "prom-client";
import type { CacheSize } from "../../ports/cache-store.js";
import type { CallTelemetry } from "../../ports/call-telemetry.js";
import { ANSWER_SOURCES, type Telemetry } from "../../ports/telemetry.js";
import { renderCallMetrics } from "./call-metrics.js";
import { processMetrics } from "./process-metrics.js";

/** What Prometheus reads: the process's own metrics and what the service counts, as they are when asked. */
export class Metrics {
  readonly #registry = new Registry();

  readonly #calls: CallTelemetry | undefined;

  /** @param calls what the service port counts; undefined where there is none */
  constructor(telemetry: Readonly<Telemetry>, cache: { readonly size: CacheSize }, calls?: CallTelemetry) {
    this.#calls = calls;
    for (const [name, help, read] of COUNTERS) this.#count(name, help, () => read(telemetry));
    for (const [name, help, read] of GAUGES) this.#measure(name, help, () => read(cache.size));
    this.#countAnswers(telemetry);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  async render(): Promise<string> {
    const calls = this.#calls === undefined ? "" : renderCallMetrics(this.#calls);
    return `${await this.#registry.metrics()}\n${calls}${await processMetrics().metrics()}`;
  }

  #count(name: string, help: string, read: () => number): void {
    new Counter({
      name,
      help,
      registers: [this.#registry],
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  }

  #measure(name: string, help: string, read: () => number): void {
    new Gauge({
      name,
      help,
      registers: [this.#registry],
      collect() {
        this.set(read());
      },
    });
  }

  #countAnswers(telemetry: Readonly<Telemetry>): void {
    new Counter({
      name: "sidecar_answers_total",
      help: "Checks and lists answered, by where the answer came from.",
      labelNames: ["source"],
      registers: [this.#registry],
      collect() {
        this.reset();
        for (const source of ANSWER_SOURCES) this.inc({ source }, telemetry.answers[source]);
      },
    });
  }
}

const COUNTERS: readonly (readonly [name: string, help: string, read: (telemetry: Readonly<Telemetry>) => number])[] = [
  ["sidecar_initialization_errors_total", "Failures to set up a connection or a source at the start.", (t) => t.initializationErrors],
  ["sidecar_invalid_api_key_errors_total", "Requests that upstream refused because of the API key.", (t) => t.invalidApiKeyErrors],
  ["sidecar_network_request_errors_total", "Requests to upstream that failed on the way or were answered by an error.", (t) => t.networkRequestErrors],
  ["sidecar_malformed_upstream_data_total", "Parts of upstream's answers and events that could not be used and were left out.", (t) => t.malformedUpstreamData],
  ["sidecar_refused_fetches_total", "Fetches of a state that upstream refused, while it works for others.", (t) => t.refusedFetches],
  ["sidecar_redis_client_errors_total", "Errors of the Redis client.", (t) => t.redisClientErrors],
  ["sidecar_cache_hits_total", "Checks answered from a cached state that was usable.", (t) => t.cacheHits],
  ["sidecar_cache_misses_total", "Checks for which a state had to be fetched first.", (t) => t.cacheMisses],
  ["sidecar_cache_evictions_total", "States removed from the in-memory cache to stay within its bound.", (t) => t.cacheEvictions],
];

const GAUGES: readonly (readonly [name: string, help: string, read: (size: CacheSize) => number])[] = [
  ["sidecar_cache_subjects", "Customers and resources held in the in-memory cache.", (size) => size.subjects],
  ["sidecar_cache_bytes", "Bytes that the in-memory cache holds, by its own account.", (size) => size.bytes],
  ["sidecar_cache_max_bytes", "Bytes that the in-memory cache may hold.", (size) => size.maxBytes],
];
