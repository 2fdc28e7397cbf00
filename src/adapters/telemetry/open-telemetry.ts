import { type Attributes, diag, type DiagLogger, DiagLogLevel } from "@opentelemetry/api";
import { OTLPMetricExporter as JsonMetricExporter } from "@opentelemetry/exporter-metrics-otlp-http";
import { OTLPMetricExporter as ProtobufMetricExporter } from "@opentelemetry/exporter-metrics-otlp-proto";
import { OTLPTraceExporter as JsonTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { OTLPTraceExporter as ProtobufTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { detectResources, envDetector, type Resource, resourceFromAttributes } from "@opentelemetry/resources";
import { MeterProvider, PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics";
import { BasicTracerProvider, BatchSpanProcessor } from "@opentelemetry/sdk-trace-base";
import type { Logger } from "../../ports/logger.js";
import type { Tracer } from "../../ports/tracer.js";
import { type MeasuredFamily, MetricBridge } from "./metric-bridge.js";
import { OpenTelemetryTracer } from "./open-telemetry-tracer.js";

/** How what is exported is written. */
export type OtlpEncoding = "http/protobuf" | "http/json";

export interface OpenTelemetryOptions {
  /** How traces are sent; undefined: there are none. */
  readonly traces: OtlpEncoding | undefined;
  /** The same of metrics. */
  readonly metrics: OtlpEncoding | undefined;
  /** What the service is called unless OTEL_SERVICE_NAME or OTEL_RESOURCE_ATTRIBUTES say otherwise. */
  readonly program: string;
  readonly version: string;
  /** Between two exports of metrics. */
  readonly metricIntervalMs: number;
  /** What goes with each request beside what the SDK reads from the environment: "name=value,name=value". Asked for each time. */
  readonly headers?: (() => string | undefined) | undefined;
  readonly logger: Logger;
  /** Takes secrets out of what is exported. */
  readonly redact: (text: string) => string;
}

/** What exports by OTLP, once it is open. Where to, how sampled and how batched is the SDK's own to read from the OTEL_ variables. */
export interface OpenedTelemetry {
  /** Undefined where traces are not asked for. */
  readonly tracer: Tracer | undefined;
  /** Begins to export metrics, where they are asked for. @param read what they are now; must not reject */
  exportMetrics(read: () => Promise<Iterable<MeasuredFamily>>): void;
  /** Sends what waits, and ends. Never rejects. */
  close(): Promise<void>;
}

/** Opens OpenTelemetry's SDK. Whoever has no use for it does not import this. */
export function openTelemetry(options: OpenTelemetryOptions): OpenedTelemetry {
  const { traces, metrics, program, version, metricIntervalMs, logger, redact } = options;
  diag.setLogger(new DiagnosticLines(logger), { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  const resource = resourceOf(program, version);
  const headers = options.headers === undefined ? {} : { headers: headersFrom(options.headers) };
  const provider =
    traces === undefined
      ? undefined
      : new BasicTracerProvider({
          resource,
          spanProcessors: [
            new BatchSpanProcessor(
              traces === "http/json" ? new JsonTraceExporter(headers) : new ProtobufTraceExporter(headers),
            ),
          ],
        });
  let meters: MeterProvider | undefined;
  return {
    tracer: provider && new OpenTelemetryTracer(provider.getTracer(program, version), redact),
    exportMetrics(read) {
      if (metrics === undefined || meters !== undefined) return;
      const exporter = metrics === "http/json" ? new JsonMetricExporter(headers) : new ProtobufMetricExporter(headers);
      const reader = new PeriodicExportingMetricReader({
        exporter,
        exportIntervalMillis: metricIntervalMs,
        exportTimeoutMillis: Math.min(metricIntervalMs, MAX_EXPORT_MS),
        metricProducers: [new MetricBridge(program, version, read)],
      });
      meters = new MeterProvider({ resource, readers: [reader] });
    },
    async close() {
      await Promise.allSettled([provider?.shutdown(), meters?.shutdown()]);
    },
  };
}

const MAX_EXPORT_MS = 30_000;

/** OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES go before what the program knows of itself. */
function resourceOf(program: string, version: string): Resource {
  const own: Attributes = {
    "service.name": program,
    "service.version": version,
    "telemetry.sdk.language": "nodejs",
    "telemetry.sdk.name": "opentelemetry",
    "process.pid": process.pid,
    "process.runtime.name": "nodejs",
    "process.runtime.version": process.versions.node,
  };
  return resourceFromAttributes(own).merge(detectResources({ detectors: [envDetector] }));
}

/** In the form of the variable: values are percent-encoded, and what is no pair is left out. */
function headersFrom(read: () => string | undefined): () => Promise<Record<string, string>> {
  return () =>
    Promise.resolve(
      Object.fromEntries(
        (read() ?? "").split(",").flatMap((pair) => {
          const [, name = "", value = ""] = /^\s*([^=\s]+)\s*=\s*(.*?)\s*$/.exec(pair) ?? [];
          return name === "" ? [] : [[name, decoded(value)]];
        }),
      ),
    );
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const MAX_DETAIL = 500;

/** What the SDK says of itself, above all that nothing can be exported, as lines of the log: always a warning, since no check suffers. */
export class DiagnosticLines implements DiagLogger {
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  error(message: string, ...more: unknown[]): void {
    this.#warn(message, more);
  }

  warn(message: string, ...more: unknown[]): void {
    this.#warn(message, more);
  }

  info(): void {
    // Of no use to who runs the service.
  }

  debug(): void {
    // The same.
  }

  verbose(): void {
    // The same.
  }

  #warn(message: string, more: readonly unknown[]): void {
    const detail = [messageOf(message), ...more.map((each) => (each instanceof Error ? each.message : String(each)))];
    this.#logger.warn("telemetry is not exported as it should be", { detail: detail.join(" ").slice(0, MAX_DETAIL) });
  }
}

/** Errors come as JSON with their stack. */
function messageOf(text: string): string {
  if (!text.startsWith("{")) return text;
  try {
    const { message } = JSON.parse(text) as { readonly message?: unknown };
    return typeof message === "string" ? message : text;
  } catch {
    return text;
  }
}
