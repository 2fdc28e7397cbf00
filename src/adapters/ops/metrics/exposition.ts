import { CONSUMPTION_METRICS } from "./consumption-metrics.js";
import type { Metric, MetricType, Sample } from "./metric.js";
import { SIDECAR_METRICS } from "./sidecar-metrics.js";

/** A metric with what it reads now. */
export interface MetricFamily {
  readonly name: string;
  readonly type: MetricType;
  readonly help: string;
  readonly samples: readonly Sample[];
}

export interface Exposition {
  readonly contentType: string;
  readonly body: string;
}

const TEXT_TYPE = "text/plain; version=0.0.4; charset=utf-8";
const OPEN_METRICS_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const TOTAL = /_total$/;

/** Writes metrics in Prometheus's text format, or in OpenMetrics for whoever accepts that. */
export function expose(families: Iterable<MetricFamily>, accept: string | undefined): Exposition {
  const isOpen = acceptsOpenMetrics(accept);
  const texts: string[] = [];
  for (const family of families) if (family.samples.length > 0) texts.push(familyText(family, isOpen));
  return isOpen
    ? { contentType: OPEN_METRICS_TYPE, body: `${texts.join("")}# EOF\n` }
    : { contentType: TEXT_TYPE, body: texts.join("\n") };
}

/** Prometheus lists what it takes with weights; one of 0 is a refusal. */
function acceptsOpenMetrics(accept = ""): boolean {
  return accept
    .split(",")
    .some((range) => /^\s*application\/openmetrics-text\b/i.test(range) && !/;\s*q=0(?:\.0*)?\s*(?:;|$)/i.test(range));
}

function familyText({ name, type, help, samples }: MetricFamily, isOpen: boolean): string {
  const familyName = isOpen && type === "counter" ? name.replace(TOTAL, "") : name;
  const lines = [`# HELP ${familyName} ${escaped(help)}`, `# TYPE ${familyName} ${type}`];
  for (const { suffix, labels, value } of samples)
    lines.push(`${name}${suffix}${labelText(labels)} ${valueText(value)}`);
  return `${lines.join("\n")}\n`;
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}="${escaped(value).replaceAll('"', '\\"')}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

function valueText(value: number): string {
  if (value === Infinity) return "+Inf";
  return value === -Infinity ? "-Inf" : String(value);
}

type Described = Pick<Metric<never>, "name" | "type" | "labels" | "help">;

/** Every metric of both programs, as the documentation lists them. */
export function metricsDocument(): string {
  return [
    section("entitlement-sidecar", "METRICS_PORT", SIDECAR_METRICS),
    section("persistent-cache-service", "PORT", CONSUMPTION_METRICS),
  ].join("\n\n");
}

function section(program: string, port: string, metrics: readonly Described[]): string {
  const rows = metrics.map(
    ({ name, type, labels, help }) =>
      `| \`${name}\` | ${type} | ${labels.join(", ")} | ${help.replaceAll("|", "\\|")} |`,
  );
  return [
    `## ${program}`,
    "",
    `\`GET /metrics\` on \`${port}\`.`,
    "",
    "| metric | type | labels | meaning |",
    "| --- | --- | --- | --- |",
    ...rows,
  ].join("\n");
}
