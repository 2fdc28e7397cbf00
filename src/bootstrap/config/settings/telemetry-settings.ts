import { type Parser, text } from "./parsers.js";
import { optional, type Setting, withDefault } from "./setting.js";

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
