import { collectDefaultMetrics, Registry } from "prom-client";
import { CONSUMPTION_METRICS } from "./consumption-metrics.js";
import type { Metric, MetricType, Sample } from "./metric.js";
import { SIDECAR_METRICS } from "./sidecar-metrics.js";

/** What Prometheus reads: what a service counts, as it is when asked, and the process's own metrics. */
export class Metrics<Sources> {
  readonly #table: readonly Metric<Sources>[];
  readonly #sources: () => Promise<Sources>;
  #reading: Promise<readonly MetricFamily[]> | undefined;

  /** @param sources what the table reads from, asked for at each scrape; must not reject */
  constructor(table: readonly Metric<Sources>[], sources: () => Promise<Sources>) {
    this.#table = table;
    this.#sources = sources;
  }

  /** @param accept the request's header */
  async render(accept?: string): Promise<Exposition> {
    return expose(await this.families(), accept);
  }

  /** All of them, as they are now. Read once for all who ask meanwhile. */
  families(): Promise<readonly MetricFamily[]> {
    this.#reading ??= this.#read().finally(() => (this.#reading = undefined));
    return this.#reading;
  }

  async #read(): Promise<readonly MetricFamily[]> {
    const [sources, ofProcess] = await Promise.all([this.#sources(), processMetrics()]);
    const own = this.#table.map(({ name, type, help, samples }): MetricFamily => ({
      name,
      type,
      help,
      samples: samples(sources),
    }));
    return [...own, ...ofProcess];
  }
}

/** Gauges named as counters are. What they say is the sum of the gauges of the same name without `_total`. */
const MISNAMED = [
  "nodejs_active_resources_total",
  "nodejs_active_handles_total",
  "nodejs_active_requests_total",
] as const;

let ofThisProcess: Registry | undefined;

/** What prom-client measures of the process. One for all services in it: the timers of a registry never end. */
async function processMetrics(): Promise<readonly MetricFamily[]> {
  if (ofThisProcess === undefined) {
    ofThisProcess = new Registry();
    collectDefaultMetrics({ register: ofThisProcess });
    for (const name of MISNAMED) ofThisProcess.removeSingleMetric(name);
  }
  return (await ofThisProcess.getMetricsAsJSON()).map(({ name, help, type, values }) => ({
    name,
    help: help.endsWith(".") ? help : `${help}.`,
    type: String(type) as MetricType,
    samples: values.map((value) => sampleOf(name, value)),
  }));
}

interface PromClientValue {
  readonly value: number;
  readonly labels: Readonly<Partial<Record<string, string | number>>>;
  readonly metricName?: string;
}

function sampleOf(name: string, { value, labels, metricName = name }: PromClientValue): Sample {
  return {
    suffix: metricName.slice(name.length) as Sample["suffix"],
    labels: Object.fromEntries(Object.entries(labels).map(([label, text]) => [label, String(text)])),
    value,
  };
}

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
