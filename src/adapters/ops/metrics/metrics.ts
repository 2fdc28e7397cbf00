import { expose, type Exposition, type MetricFamily } from "./exposition.js";
import type { Metric } from "./metric.js";
import { processMetrics } from "./process-metrics.js";

/** What Prometheus reads: what a service counts, as it is when asked, and the process's own metrics. */
export class Metrics<Sources> {
  readonly #table: readonly Metric<Sources>[];
  readonly #sources: () => Promise<Sources>;

  /** @param sources what the table reads from, asked for at each scrape; must not reject */
  constructor(table: readonly Metric<Sources>[], sources: () => Promise<Sources>) {
    this.#table = table;
    this.#sources = sources;
  }

  /** @param accept the request's header */
  async render(accept?: string): Promise<Exposition> {
    return expose(await this.families(), accept);
  }

  /** All of them, as they are now. */
  async families(): Promise<readonly MetricFamily[]> {
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
