import { type CallTelemetry, LATENCY_BUCKETS_MS } from "../../../ports/call-telemetry.js";
import { counter, gauge, histogram, labelled, type LabelledValue, type Metric } from "./metric.js";

/** What the service port counts. */
export const CALL_METRICS: readonly Metric<CallTelemetry>[] = [
  labelled(
    "counter",
    "sidecar_requests_total",
    "Calls answered, by method, protocol and code; those that were refused too.",
    ["method", "protocol", "code"],
    ({ calls }) => calls().map(({ method, protocol, code, count }): LabelledValue => [[method, protocol, code], count]),
  ),
  histogram(
    "sidecar_request_duration_seconds",
    "From when the bytes of a request were read to when its response was written.",
    ["method"],
    ({ latencies }) =>
      latencies().map(
        ({ method, buckets, sumMs }) => [[method], { boundsMs: LATENCY_BUCKETS_MS, counts: buckets, sumMs }] as const,
      ),
  ),
  labelled(
    "counter",
    "sidecar_decisions_total",
    "Checks by their outcome, the reason of a denial, and whether the answer is a fallback.",
    ["outcome", "reason", "fallback"],
    decisionValues,
  ),
  gauge("sidecar_requests_in_flight", "Calls that wait for something and are not answered yet.", ({ inFlight }) =>
    inFlight(),
  ),
  gauge("sidecar_connections", "Open connections of the service ports.", ({ connections }) => connections()),
  counter(
    "sidecar_connections_exceeded_total",
    "Connections that were asked to go, since they sent too many frames that are no part of a call.",
    ({ exceeded }) => exceeded(),
  ),
];

function decisionValues(telemetry: CallTelemetry): readonly LabelledValue[] {
  const decisions = telemetry.decisions();
  // Both outcomes are there from the first scrape.
  const absent = (["granted", "denied"] as const).filter(
    (outcome) => !decisions.some((decision) => decision.outcome === outcome),
  );
  return [
    ...decisions.map(({ outcome, reason, isFallback, count }): LabelledValue => [
      [outcome, reason, String(isFallback)],
      count,
    ]),
    ...absent.map((outcome): LabelledValue => [[outcome, "", "false"], 0]),
  ];
}
