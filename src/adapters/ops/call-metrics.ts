import { LATENCY_BUCKETS_MS, type CallTelemetry } from "../../ports/call-telemetry.js";

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [name: string, labels: Labels, value: number];

/** What the service port counts, in Prometheus's text format. Written out here: prom-client observes, and cannot be given sums that exist. */
export function renderCallMetrics(telemetry: CallTelemetry): string {
  return [
    metric("sidecar_requests_total", "counter", "Calls answered, by method, protocol and code; those that were refused too.", callSamples(telemetry)),
    metric("sidecar_request_duration_seconds", "histogram", "From when the bytes of a request were read to when its response was written.", latencySamples(telemetry)),
    metric("sidecar_decisions_total", "counter", "Checks by their outcome, the reason of a denial, and whether the answer is a fallback.", decisionSamples(telemetry)),
    metric("sidecar_requests_in_flight", "gauge", "Calls that wait for something and are not answered yet.", [["", {}, telemetry.inFlight()]]),
    metric("sidecar_connections", "gauge", "Open connections of the service ports.", [["", {}, telemetry.connections()]]),
    metric("sidecar_connections_exceeded_total", "counter", "Connections that were asked to go, since they sent too many frames that are no part of a call.", [["", {}, telemetry.exceeded()]]),
  ].join("\n");
}

function callSamples(telemetry: CallTelemetry): readonly Sample[] {
  return telemetry.calls().map(({ method, protocol, code, count }): Sample => ["", { method, protocol, code }, count]);
}

function decisionSamples(telemetry: CallTelemetry): readonly Sample[] {
  const decisions = telemetry.decisions();
  // Both outcomes are there from the first scrape.
  const absent = (["granted", "denied"] as const).filter((outcome) => !decisions.some((decision) => decision.outcome === outcome));
  return [
    ...decisions.map(({ outcome, reason, isFallback, count }): Sample => ["", { outcome, reason, fallback: String(isFallback) }, count]),
    ...absent.map((outcome): Sample => ["", { outcome, reason: "", fallback: "false" }, 0]),
  ];
}

function latencySamples(telemetry: CallTelemetry): readonly Sample[] {
  return telemetry.latencies().flatMap(({ method, buckets, sumMs }) => {
    const samples: Sample[] = [];
    let count = 0;
    for (const [index, calls] of buckets.entries()) {
      count += calls;
      const bound = LATENCY_BUCKETS_MS[index];
      samples.push(["_bucket", { method, le: bound === undefined ? "+Inf" : String(bound / 1_000) }, count]);
    }
    samples.push(["_sum", { method }, sumMs / 1_000], ["_count", { method }, count]);
    return samples;
  });
}

function metric(name: string, type: string, help: string, samples: readonly Sample[]): string {
  const lines = samples.map(([suffix, labels, value]) => `${name}${suffix}${labelText(labels)} ${value}`);
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines, ""].join("\n");
}

/** Values are names of ours: nothing in them needs escaping. */
function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}
