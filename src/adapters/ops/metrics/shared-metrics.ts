import { REQUEST_RESULTS, type Telemetry, UPSTREAM_TARGETS } from "../../../ports/telemetry.js";
import { counter, histogram, labelled, type LabelledValue, type Metric } from "./metric.js";

export interface Build {
  readonly version: string;
}

/** Which program runs. */
export function buildMetrics(prefix: string): readonly Metric<Build>[] {
  return [
    labelled(
      "gauge",
      `${prefix}_build_info`,
      "Always 1; the labels tell which version runs, on which Node.",
      ["version", "node"],
      ({ version }) => [[[version, process.versions.node], 1]],
    ),
  ];
}

/** What every process of the package says of the servers that it depends on. */
export function dependencyMetrics(prefix: string): readonly Metric<Readonly<Telemetry>>[] {
  return [
    labelled(
      "gauge",
      `${prefix}_dependency_up`,
      "Whether each thing that the service is configured to depend on works: 1, or 0 where it does not, or is not yet known to.",
      ["dependency"],
      dependencyValues,
    ),
    labelled(
      "gauge",
      `${prefix}_circuit_breaker_open`,
      "Whether an upstream is not asked for now, since it did not work: 1, else 0.",
      ["upstream"],
      ({ openBreakers }) => [...openBreakers].map(([upstream, isOpen]): LabelledValue => [[upstream], isOpen ? 1 : 0]),
    ),
    labelled(
      "counter",
      `${prefix}_upstream_requests_total`,
      "Requests sent upstream, each try by itself, by how they ended: the class of the answer's status, no answer, or not waited for any longer.",
      ["target", "result"],
      ({ upstreamRequests }) =>
        UPSTREAM_TARGETS.flatMap((target) =>
          REQUEST_RESULTS.map((result): LabelledValue => [[target, result], upstreamRequests[target].results[result]]),
        ),
    ),
    histogram(
      `${prefix}_upstream_request_duration_seconds`,
      "From when a request was sent upstream until its answer was read, or it ended without one.",
      ["target"],
      ({ upstreamRequests }) =>
        UPSTREAM_TARGETS.map((target) => [[target], upstreamRequests[target].durations] as const),
    ),
    histogram(
      `${prefix}_redis_round_trip_duration_seconds`,
      "From when commands were sent to Redis together until all were answered.",
      [],
      ({ redisRoundTrips }) => [[[], redisRoundTrips]],
    ),
    counter(`${prefix}_redis_client_errors_total`, "Errors of the Redis client.", (t) => t.redisClientErrors),
    counter(
      `${prefix}_network_request_errors_total`,
      "Requests to upstream that failed on the way or were answered by an error.",
      (t) => t.networkRequestErrors,
    ),
    counter(
      `${prefix}_invalid_api_key_errors_total`,
      "Requests that upstream refused because of the API key.",
      (t) => t.invalidApiKeyErrors,
    ),
    counter(
      `${prefix}_malformed_upstream_data_total`,
      "Parts of upstream's answers and events that could not be used and were left out.",
      (t) => t.malformedUpstreamData,
    ),
    counter(
      `${prefix}_refused_fetches_total`,
      "Fetches of a state that upstream refused, while it works for others.",
      (t) => t.refusedFetches,
    ),
  ];
}

/** Of several connections of one kind all have to work. */
function dependencyValues({ dependencies }: Readonly<Telemetry>): readonly LabelledValue[] {
  const values = new Map<string, number>();
  for (const { name, isUp } of dependencies) values.set(name, Math.min(values.get(name) ?? 1, isUp ? 1 : 0));
  return [...values].map(([name, value]): LabelledValue => [[name], value]);
}
