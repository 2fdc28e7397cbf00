import type { FreshnessCounts } from "../../../application/refresh/freshness-census.js";
import { POLICY_ANSWERS } from "../../../domain/decision/failure-policy.js";
import { STALE_REASONS } from "../../../domain/freshness/freshness.js";
import type { CacheSize } from "../../../ports/cache-store.js";
import type { CallTelemetry } from "../../../ports/call-telemetry.js";
import type { Outbox } from "../../../ports/outbox.js";
import { ANSWER_SOURCES, REPORT_KINDS, REPORT_RESULTS, type Telemetry } from "../../../ports/telemetry.js";
import { CALL_METRICS } from "./call-metrics.js";
import { counter, gauge, labelled, type LabelledValue, type Metric, of } from "./metric.js";
import { type Build, buildMetrics, dependencyMetrics } from "./shared-metrics.js";

/** Where the sidecar's metrics are read from at a scrape. A part that is not in use is undefined. */
export interface SidecarSources {
  readonly build: Build;
  readonly telemetry: Readonly<Telemetry>;
  readonly cache: { readonly size: CacheSize };
  /** What the service port counts. */
  readonly calls?: CallTelemetry | undefined;
  readonly freshness?: FreshnessCounts | undefined;
  readonly outbox?: Outbox | undefined;
  /** Of the catalog's own meters, by the event's name. */
  readonly unmatchedEvents?: (() => ReadonlyMap<string, number>) | undefined;
  readonly decisionLog?: { readonly written: number; readonly lost: number } | undefined;
}

/** The members of Telemetry that are one number each. */
type Figure = { [Key in keyof Telemetry]: Telemetry[Key] extends number ? Key : never }[keyof Telemetry];

/** Of each figure of Telemetry what is served of it: the compiler names the one that is forgotten. */
const FIGURES: Readonly<Record<Figure, Metric<Readonly<Telemetry>> | "in dependencyMetrics">> = {
  initializationErrors: counter(
    "sidecar_initialization_errors_total",
    "Failures to set up a connection or a source at the start.",
    (t) => t.initializationErrors,
  ),
  invalidApiKeyErrors: "in dependencyMetrics",
  networkRequestErrors: "in dependencyMetrics",
  malformedUpstreamData: "in dependencyMetrics",
  refusedFetches: "in dependencyMetrics",
  redisClientErrors: "in dependencyMetrics",
  cacheHits: counter(
    "sidecar_cache_hits_total",
    "Checks answered from a cached state that was usable.",
    (t) => t.cacheHits,
  ),
  cacheMisses: counter(
    "sidecar_cache_misses_total",
    "Checks for which a state had to be fetched first.",
    (t) => t.cacheMisses,
  ),
  cacheEvictions: counter(
    "sidecar_cache_evictions_total",
    "States removed from the in-memory cache to stay within its bound.",
    (t) => t.cacheEvictions,
  ),
  staleAnswers: counter(
    "sidecar_stale_answers_total",
    "Checks and lists answered from a state that may have changed since: nothing vouched for it at that time.",
    (t) => t.staleAnswers,
  ),
  lastStreamMessageAt: gauge(
    "sidecar_update_stream_last_message_timestamp_seconds",
    "When the update stream last brought a change, as Unix time; 0: not since the start.",
    (t) => t.lastStreamMessageAt / 1_000,
  ),
  tlsExpiresAt: gauge(
    "sidecar_tls_certificate_expiry_timestamp_seconds",
    "When the certificate that is served expires, as Unix time; 0: none is served.",
    (t) => t.tlsExpiresAt / 1_000,
  ),
  catalogLoadedAt: gauge(
    "sidecar_catalog_load_timestamp_seconds",
    "When the catalog file that is served was taken into use, as Unix time; 0: none is.",
    (t) => t.catalogLoadedAt / 1_000,
  ),
};

const TELEMETRY_METRICS: readonly Metric<Readonly<Telemetry>>[] = [
  ...Object.values(FIGURES).filter((metric) => typeof metric !== "string"),
  ...dependencyMetrics("sidecar"),
  labelled(
    "counter",
    "sidecar_answers_total",
    "Checks and lists answered, by where the answer came from.",
    ["source"],
    ({ answers }) => ANSWER_SOURCES.map((source): LabelledValue => [[source], answers[source]]),
  ),
  counter(
    "sidecar_fallbacks_total",
    "Checks and lists for which nothing was known, so that the fallback answered.",
    (t) => t.answers.fallback,
  ),
  labelled(
    "counter",
    "sidecar_assumed_answers_total",
    "Checks that a failure policy answered, since nothing fresh could be had.",
    ["policy", "outcome"],
    ({ assumedAnswers }) =>
      POLICY_ANSWERS.flatMap((policy) =>
        (["granted", "denied"] as const).map((outcome): LabelledValue => [
          [policy, outcome],
          assumedAnswers[outcome][policy],
        ]),
      ),
  ),
  labelled(
    "counter",
    "sidecar_reports_total",
    "Usages and events handed to upstream, or to the catalog, by what became of them; failed: upstream may or may not have counted them.",
    ["kind", "result"],
    ({ reports }) =>
      REPORT_KINDS.flatMap((kind) =>
        REPORT_RESULTS.map((result): LabelledValue => [[kind, result], reports[kind][result]]),
      ),
  ),
  labelled(
    "counter",
    "sidecar_catalog_reloads_total",
    "Changes of the catalog file, by whether they were taken into use or refused for a fault.",
    ["result"],
    ({ catalogReloads }) => Object.entries(catalogReloads).map(([result, count]): LabelledValue => [[result], count]),
  ),
  gauge(
    "sidecar_update_stream_connected",
    "Whether changes arrive over the update stream: 1, or 0 where they do not or none is configured.",
    ({ dependencies }) => ([...dependencies].some(({ name, isUp }) => name === "update_stream" && isUp) ? 1 : 0),
  ),
];

const CACHE_METRICS: readonly Metric<CacheSize>[] = [
  gauge("sidecar_cache_subjects", "Customers and resources held in the in-memory cache.", (size) => size.subjects),
  gauge("sidecar_cache_bytes", "Bytes that the in-memory cache holds, by its own account.", (size) => size.bytes),
  gauge("sidecar_cache_max_bytes", "Bytes that the in-memory cache may hold.", (size) => size.maxBytes),
];

const FRESHNESS_METRICS: readonly Metric<FreshnessCounts>[] = [
  gauge(
    "sidecar_cache_fresh_subjects",
    "Customers and resources in the in-memory cache whose state is vouched for.",
    ({ fresh }) => fresh,
  ),
  labelled(
    "gauge",
    "sidecar_cache_stale_subjects",
    "Customers and resources in the in-memory cache whose state may have changed since, by the reason: changed, due, stream_lost, too_old.",
    ["reason"],
    ({ stale }) => STALE_REASONS.map((reason): LabelledValue => [[reason], stale[reason]]),
  ),
  gauge(
    "sidecar_cache_oldest_timestamp_seconds",
    "Up to when the cached state that was verified longest ago is known to have been true, as Unix time; 0: nothing is cached.",
    ({ oldestVerifiedAt = 0 }) => oldestVerifiedAt / 1_000,
  ),
];

/** Whoever reports chooses the names: beyond so many the rest are one time series, under no name. */
const MAX_EVENT_NAMES = 100;

const UNMATCHED_METRICS: readonly Metric<() => ReadonlyMap<string, number>>[] = [
  labelled(
    "counter",
    "sidecar_catalog_unmatched_events_total",
    "Events that no meter of the catalog names, so that they are not counted as usage, since the state file was begun; beyond 100 names the rest are under none.",
    ["event_name"],
    (unmatched) => {
      const values: LabelledValue[] = [];
      let others = 0;
      for (const [name, count] of unmatched()) {
        if (name !== "" && values.length < MAX_EVENT_NAMES) values.push([[name], count]);
        else others += count;
      }
      return others === 0 ? values : [...values, [[""], others]];
    },
  ),
];

const DECISION_LOG_METRICS: readonly Metric<{ readonly written: number; readonly lost: number }>[] = [
  counter(
    "sidecar_decision_log_lines_total",
    "Decisions that were written to the decision log.",
    ({ written }) => written,
  ),
  counter(
    "sidecar_decision_log_lost_total",
    "Decisions that were to be written to the decision log, and were lost: it could not be written, or not fast enough.",
    ({ lost }) => lost,
  ),
];

/** What the outbox counts. Its counters go on where the process before left off. */
const OUTBOX_METRICS: readonly Metric<Outbox>[] = [
  labelled(
    "counter",
    "sidecar_outbox_reports_total",
    "Reports and events by how far they have come: accepted is all of them; rejected and in_doubt contain those that were dropped.",
    ["state"],
    ({ state: { totals } }): readonly LabelledValue[] => [
      [["accepted"], totals.accepted],
      [["delivered"], totals.delivered],
      [["rejected"], totals.rejected],
      [["in_doubt"], totals.stale],
      [["dropped"], totals.dropped],
    ],
  ),
  gauge(
    "sidecar_outbox_pending_reports",
    "Reports and events that are accepted and not delivered.",
    ({ state }) => state.pending,
  ),
  gauge(
    "sidecar_outbox_pending_entries",
    "Reports that upstream is going to get of those: deltas of one feature and period are one.",
    ({ state }) => state.entries.size + state.events.length,
  ),
  gauge("sidecar_outbox_oldest_age_seconds", "How long the oldest of them waits; 0: nothing does.", ({ state }) =>
    Math.max(0, (Date.now() - (state.oldestAt() ?? Date.now())) / 1_000),
  ),
  gauge(
    "sidecar_outbox_aside_items",
    "Rejected and in doubt, for an operator to decide on.",
    ({ state }) => state.aside.size,
  ),
  gauge("sidecar_outbox_bytes", "Bytes that the outbox takes of the disk.", ({ bytes }) => bytes),
  gauge("sidecar_outbox_max_bytes", "Bytes that it may take.", ({ maxBytes }) => maxBytes),
  gauge(
    "sidecar_outbox_damaged_records",
    "Records that could not be read when it was opened, and events that were lost with a changed file since.",
    ({ damagedRecords }) => damagedRecords,
  ),
  counter(
    "sidecar_outbox_rewrites_total",
    "How often one of its files was found changed while it was in use, and all that waits was written anew from memory.",
    ({ rewrites }) => rewrites,
  ),
];

/**
 * Everything that the sidecar tells Prometheus, in the order of the documentation. To add a part: a table of its rows in a
 * file of its own, its source above, and one line here.
 */
export const SIDECAR_METRICS: readonly Metric<SidecarSources>[] = [
  ...of((s: SidecarSources) => s.build, buildMetrics("sidecar")),
  ...of((s: SidecarSources) => s.calls, CALL_METRICS),
  ...of((s: SidecarSources) => s.telemetry, TELEMETRY_METRICS),
  ...of((s: SidecarSources) => s.cache.size, CACHE_METRICS),
  ...of((s: SidecarSources) => s.outbox, OUTBOX_METRICS),
  ...of((s: SidecarSources) => s.unmatchedEvents, UNMATCHED_METRICS),
  ...of((s: SidecarSources) => s.freshness, FRESHNESS_METRICS),
  ...of((s: SidecarSources) => s.decisionLog, DECISION_LOG_METRICS),
];
