import { collectDefaultMetrics, Registry } from "prom-client";
import { expose, type Exposition, type MetricFamily } from "./exposition.js";
import type { Metric, MetricType, Sample } from "./metric.js";

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
