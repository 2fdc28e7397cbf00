import type { OpenedTelemetry, OtlpEncoding } from "../../adapters/telemetry/open-telemetry.js";
import type { Logger } from "../../ports/logger.js";
import {
  metricsExporter,
  TELEMETRY_SETTINGS,
  type TelemetryConfig,
  tracesExporter,
} from "../config/settings/ops-settings.js";
import { packageVersion } from "../package-version.js";
import type { ReplaceableSecret } from "./follow-file-settings.js";

type Environment = Readonly<Record<string, string | undefined>>;

/** What goes out by OTLP. */
export interface TelemetryExport extends OpenedTelemetry {
  readonly replaceable: readonly ReplaceableSecret[];
}

interface Exported {
  readonly traces: OtlpEncoding | undefined;
  readonly metrics: OtlpEncoding | undefined;
  /** What was asked for and is not done. */
  readonly warnings: readonly string[];
}

const ENCODINGS: readonly OtlpEncoding[] = ["http/protobuf", "http/json"];
const DEFAULT_INTERVAL_MS = 60_000;
/** How long the last export may take at the end, milliseconds. */
const CLOSE_MS = 2_000;

/** What is exported, by OpenTelemetry's rules, but that nothing is unless it is asked for. */
function exportedSignals(config: TelemetryConfig, environment: Environment): Exported {
  const warnings: string[] = [];
  const signal = (name: "TRACES" | "METRICS", exporters: string) => {
    const wanted = exporters.split(",").map((each) => each.trim());
    const strange = wanted.filter((each) => each !== "otlp" && each !== "none");
    if (strange.length > 0)
      warnings.push(`OTEL_${name}_EXPORTER=${strange.join(",")} is not understood: set it to otlp or none`);
    if (!wanted.includes("otlp")) return undefined;
    const protocol = (environment[`OTEL_EXPORTER_OTLP_${name}_PROTOCOL`] ?? "").trim() || config.otlpProtocol;
    const encoding = ENCODINGS.find((each) => each === protocol.toLowerCase());
    if (encoding === undefined)
      warnings.push(
        `no ${name.toLowerCase()} are exported: OTLP by ${protocol} is not spoken. Set OTEL_EXPORTER_OTLP_PROTOCOL to ${ENCODINGS.join(" or ")}, and the endpoint to the collector's port for HTTP (4318)`,
      );
    return encoding;
  };
  if (config.otelSdkDisabled.toLowerCase() === "true") return { traces: undefined, metrics: undefined, warnings };
  const traces = signal("TRACES", tracesExporter(config));
  const metrics = signal("METRICS", metricsExporter(config));
  if (metrics !== undefined && intervalMs(config.otelMetricExportInterval) === undefined)
    warnings.push(
      `OTEL_METRIC_EXPORT_INTERVAL=${config.otelMetricExportInterval} is not understood: write milliseconds, a whole number above 0; until then it is ${DEFAULT_INTERVAL_MS}`,
    );
  return { traces, metrics, warnings };
}

/** Opens what is asked for; undefined where that is nothing, and then the SDK is not even loaded. */
export async function openTelemetryExport(
  config: TelemetryConfig,
  environment: Environment,
  {
    program,
    logger,
    redact,
  }: { readonly program: string; readonly logger: Logger; readonly redact: (text: string) => string },
): Promise<TelemetryExport | undefined> {
  const { traces, metrics, warnings } = exportedSignals(config, environment);
  for (const warning of warnings) logger.warn(warning);
  if (traces === undefined && metrics === undefined) return undefined;
  const { openTelemetry } = await import("../../adapters/telemetry/open-telemetry.js");
  let { otlpHeaders } = config;
  const isInEnvironment = (environment[TELEMETRY_SETTINGS.otlpHeaders.name] ?? "").trim() !== "";
  const opened = openTelemetry({
    traces,
    metrics,
    program,
    version: packageVersion(),
    metricIntervalMs: intervalMs(config.otelMetricExportInterval) ?? DEFAULT_INTERVAL_MS,
    // What is in the environment the SDK reads by itself, with what is set for one signal alone.
    headers: isInEnvironment || otlpHeaders === undefined ? undefined : () => otlpHeaders,
    logger,
    redact,
  });
  return {
    ...opened,
    replaceable: [
      {
        setting: TELEMETRY_SETTINGS.otlpHeaders,
        called: "headers of exported telemetry",
        isPlural: true,
        replace: (headers) => (otlpHeaders = headers),
        effect: "exports carry the new ones",
      },
    ],
    close: () => Promise.race([opened.close(), new Promise<void>((resolve) => setTimeout(resolve, CLOSE_MS))]),
  };
}

/** Undefined: it cannot be one. */
function intervalMs(text: string): number | undefined {
  return /^0*[1-9]\d{0,8}$/.test(text) ? Number(text) : undefined;
}

/** What the SDK reads by itself and that must be in no line of the log. */
export function telemetrySecrets(environment: Environment): readonly string[] {
  return Object.entries(environment).flatMap(([name, value = ""]) =>
    /^OTEL_EXPORTER_OTLP_(?:TRACES_|METRICS_|LOGS_)?HEADERS$/.test(name) && value !== ""
      ? value.split(",").map((pair) => pair.slice(pair.indexOf("=") + 1).trim())
      : [],
  );
}
