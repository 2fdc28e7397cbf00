import { RESERVED_LOG_KEYS } from "../../../adapters/ops/log-format.js";
import { DECISION_LOG_KINDS } from "../../../application/check/log-decisions.js";
import type { CrossRule, UnusedRule } from "../setting-rules.js";
import { boolean, filePath, integer, oneOf, type Parser, text } from "./parsers.js";
import { optional, type Setting, type Values, withDefault } from "./setting.js";

const share: Parser<number> = {
  allowed: "a number above 0, up to 1",
  parse(text) {
    const value = /^\d*\.?\d+$/.test(text) ? Number(text) : NaN;
    return value > 0 && value <= 1 ? { ok: true, value } : { ok: false };
  },
};

/** What those who run the service may want to see beyond logs and metrics. */
export const OPS_SETTINGS = {
  decisionLog: withDefault("DECISION_LOG", oneOf(DECISION_LOG_KINDS), "off", {
    description:
      "which decisions of single checks are logged, as lines of JSON: off, denials, fallbacks, changes (another than the last of the same customer and feature), all",
  }),
  decisionLogFile: optional("DECISION_LOG_FILE", filePath, {
    description: "where decisions are logged; rotated, 5 files are kept",
    defaultText: "standard output",
  }),
  decisionLogSample: withDefault("DECISION_LOG_SAMPLE", share, 1, {
    description: "the share of them that is logged, above 0, up to 1",
  }),
  decisionLogMaxBytes: withDefault("DECISION_LOG_MAX_BYTES", integer({ min: 1_024, unit: "bytes" }), 100_000_000, {
    description: "at which size that file makes way for another, bytes",
  }),
  inspectorEnabled: withDefault("INSPECTOR_ENABLED", boolean, false, {
    description: "serve a page about the service and its customers on METRICS_PORT, under /inspector",
  }),
  drillsEnabled: withDefault("DRILLS_ENABLED", boolean, false, {
    description:
      "let operators with OPS_TOKEN have upstream, Redis or the update stream fail for a share of the calls: entitlement-sidecar drill",
  }),
} as const satisfies Record<string, Setting<unknown>>;

type OpsConfig = {
  readonly [K in keyof typeof OPS_SETTINGS]: (typeof OPS_SETTINGS)[K] extends Setting<infer T> ? T : never;
};

export const OPS_UNUSED_RULES: readonly UnusedRule<OpsConfig>[] = [
  {
    settings: ["decisionLogFile", "decisionLogSample", "decisionLogMaxBytes"],
    decidedBy: ["decisionLog"],
    reason: ({ decisionLog }) => (decisionLog === "off" ? "DECISION_LOG is off" : undefined),
  },
  {
    settings: ["decisionLogMaxBytes"],
    decidedBy: ["decisionLogFile"],
    reason: ({ decisionLogFile }) => (decisionLogFile === undefined ? "standard output is not rotated" : undefined),
  },
];

/** Clusters give these variables to all that runs in them: what is wrong with one is told, and stops no start. */
const anyText: Parser<string> = { ...text, allowed: "text" };

/** OpenTelemetry's standard variables, as far as they decide something here; the SDK reads these and the rest of them. */
export const TELEMETRY_SETTINGS = {
  otelSdkDisabled: withDefault("OTEL_SDK_DISABLED", anyText, "false", {
    description: "true: no OpenTelemetry, whatever else is set (docs/tracing.md)",
  }),
  otelTracesExporter: optional("OTEL_TRACES_EXPORTER", anyText, {
    description: "where traces go: otlp or none",
    defaultText: "otlp where an OTLP endpoint for them is set, else none",
  }),
  otelMetricsExporter: optional("OTEL_METRICS_EXPORTER", anyText, {
    description: "where metrics go beside /metrics: otlp or none",
    defaultText: "otlp where OTEL_EXPORTER_OTLP_METRICS_ENDPOINT is set, else none",
  }),
  otlpEndpoint: optional("OTEL_EXPORTER_OTLP_ENDPOINT", anyText, {
    description: "the collector, to whose paths v1/traces and v1/metrics is sent",
    defaultText: "http://localhost:4318 once something is exported",
  }),
  otlpTracesEndpoint: optional("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", anyText, {
    description: "the URL for traces alone, taken as it is",
  }),
  otlpMetricsEndpoint: optional("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", anyText, {
    description: "the URL for metrics alone, taken as it is",
  }),
  otlpProtocol: withDefault("OTEL_EXPORTER_OTLP_PROTOCOL", anyText, "http/protobuf", {
    description: "http/protobuf or http/json; grpc is not spoken, and exports nothing",
  }),
  otlpHeaders: optional("OTEL_EXPORTER_OTLP_HEADERS", anyText, {
    description: "headers of each export, as name=value, separated by commas",
    isSecret: true,
  }),
  otelServiceName: optional("OTEL_SERVICE_NAME", anyText, {
    description: "what the service is called in traces and exported metrics",
    defaultText: "the program's name",
  }),
  otelTracesSampler: withDefault("OTEL_TRACES_SAMPLER", anyText, "parentbased_always_on", {
    description:
      "which calls are recorded that are traced: always_on, always_off, traceidratio or one of these with parentbased_ before it",
  }),
  otelTracesSamplerArg: optional("OTEL_TRACES_SAMPLER_ARG", anyText, {
    description: "the share for traceidratio, 0 to 1",
    defaultText: "1",
  }),
  otelMetricExportInterval: withDefault("OTEL_METRIC_EXPORT_INTERVAL", anyText, "60000", {
    description: "between two exports of metrics, milliseconds",
  }),
} as const satisfies Record<string, Setting<unknown>>;

export type TelemetryConfig = Values<typeof TELEMETRY_SETTINGS>;

/** Clusters give them to all that runs there, so that only what is wrong with one is worth a word. */
export const TELEMETRY_UNUSED_RULES: readonly UnusedRule<TelemetryConfig>[] = [
  {
    settings: (Object.keys(TELEMETRY_SETTINGS) as (keyof TelemetryConfig)[]).filter((key) => key !== "otelSdkDisabled"),
    decidedBy: ["otelSdkDisabled"],
    reason: ({ otelSdkDisabled }) =>
      otelSdkDisabled.toLowerCase() === "true" ? "OTEL_SDK_DISABLED is true" : undefined,
    isExpected: true,
  },
  {
    settings: [
      "otlpProtocol",
      "otlpHeaders",
      "otelServiceName",
      "otelTracesSampler",
      "otelTracesSamplerArg",
      "otelMetricExportInterval",
    ],
    decidedBy: [
      "otelTracesExporter",
      "otelMetricsExporter",
      "otlpEndpoint",
      "otlpTracesEndpoint",
      "otlpMetricsEndpoint",
    ],
    reason: (config) =>
      tracesExporter(config) === "none" && metricsExporter(config) === "none"
        ? "OpenTelemetry exports nothing unless an endpoint or exporter is set"
        : undefined,
    isExpected: true,
  },
];

/** Where traces go, as OTEL_TRACES_EXPORTER would say it. */
export function tracesExporter({ otelTracesExporter, otlpEndpoint, otlpTracesEndpoint }: TelemetryConfig): string {
  return (otelTracesExporter ?? ((otlpEndpoint ?? otlpTracesEndpoint) === undefined ? "none" : "otlp")).toLowerCase();
}

/** Where metrics go beside /metrics, which is there for whoever only has a collector for traces. */
export function metricsExporter({ otelMetricsExporter, otlpMetricsEndpoint }: TelemetryConfig): string {
  return (otelMetricsExporter ?? (otlpMetricsEndpoint === undefined ? "none" : "otlp")).toLowerCase();
}

/** What every process demands of the keys in its log lines. */
export const LOG_RULES: readonly CrossRule<{ readonly logMessageKey: string; readonly logErrorKey: string }>[] = [
  {
    about: ["logMessageKey", "logErrorKey"],
    fault: ({ logMessageKey, logErrorKey }) => {
      if (RESERVED_LOG_KEYS.includes(logMessageKey))
        return `LOG_MESSAGE_KEY is "${logMessageKey}": every line has that key already`;
      if (RESERVED_LOG_KEYS.includes(logErrorKey))
        return `LOG_ERROR_KEY is "${logErrorKey}": every line has that key already`;
      return logMessageKey === logErrorKey
        ? `LOG_MESSAGE_KEY and LOG_ERROR_KEY are both "${logMessageKey}": a line could hold only one of the two`
        : undefined;
    },
  },
];
