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
    this.#measureDependencies(telemetry);
    this.#measureBreakers(telemetry);
    this.#measure(
      "sidecar_update_stream_last_message_timestamp_seconds",
      "When the update stream last brought a change, as Unix time; 0: not since the start.",
      () => telemetry.lastStreamMessageAt / 1_000,
    );
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

  /** Of several connections of one kind all have to work. */
  #measureDependencies({ dependencies }: Readonly<Telemetry>): void {
    new Gauge({
      name: "sidecar_dependency_up",
      help: "Whether each thing that the service is configured to depend on works: 1, or 0 where it does not, or is not yet known to.",
      labelNames: ["dependency"],
      registers: [this.#registry],
      collect() {
        this.reset();
        for (const { name } of dependencies) this.set({ dependency: name }, 1);
        for (const { name, isUp } of dependencies) if (!isUp) this.set({ dependency: name }, 0);
      },
    });
    this.#measure("sidecar_update_stream_connected", "Whether changes arrive over the update stream: 1, or 0 where they do not or none is configured.", () =>
      [...dependencies].some(({ name, isUp }) => name === "update_stream" && isUp) ? 1 : 0,
    );
  }

  #measureBreakers({ openBreakers }: Readonly<Telemetry>): void {
    new Gauge({
      name: "sidecar_circuit_breaker_open",
      help: "Whether an upstream is not asked for now, since it did not work: 1, else 0.",
      labelNames: ["upstream"],
      registers: [this.#registry],
      collect() {
        for (const [upstream, isOpen] of openBreakers) this.set({ upstream }, isOpen ? 1 : 0);
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
  ["sidecar_stale_answers_total", "Checks and lists answered from a state that may have changed since: nothing vouched for it at that time.", (t) => t.staleAnswers],
  ["sidecar_fallbacks_total", "Checks and lists for which nothing was known, so that the fallback answered.", (t) => t.answers.fallback],
  ["sidecar_cache_evictions_total", "States removed from the in-memory cache to stay within its bound.", (t) => t.cacheEvictions],
];

const GAUGES: readonly (readonly [name: string, help: string, read: (size: CacheSize) => number])[] = [
  ["sidecar_cache_subjects", "Customers and resources held in the in-memory cache.", (size) => size.subjects],
  ["sidecar_cache_bytes", "Bytes that the in-memory cache holds, by its own account.", (size) => size.bytes],
  ["sidecar_cache_max_bytes", "Bytes that the in-memory cache may hold.", (size) => size.maxBytes],
];
