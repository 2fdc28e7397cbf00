import type { DurationHistogram } from "../../../ports/telemetry.js";

export type MetricType = "counter" | "gauge" | "histogram";

/** One line of an exposition. */
export interface Sample {
  readonly suffix: "" | "_bucket" | "_sum" | "_count";
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/**
 * One metric: a row of a table. The table is all there is to do for a metric to be served in both formats, checked
 * and documented.
 */
export interface Metric<Source> {
  /** By Prometheus's conventions: snake case, base units, `_total` for counters and for nothing else. */
  readonly name: string;
  readonly type: MetricType;
  readonly help: string;
  readonly labels: readonly string[];
  /** Called at each scrape. No sample: the metric does not apply to this process. */
  readonly samples: (source: Source) => readonly Sample[];
}

/** A value for each combination of labels, in the order of the metric's label names. */
export type LabelledValue = readonly [labels: readonly string[], value: number];

export function counter<S>(name: string, help: string, read: (source: S) => number): Metric<S> {
  return { name, type: "counter", help, labels: [], samples: (source) => [plain(read(source))] };
}

export function gauge<S>(name: string, help: string, read: (source: S) => number): Metric<S> {
  return { name, type: "gauge", help, labels: [], samples: (source) => [plain(read(source))] };
}

export function labelled<S>(
  type: "counter" | "gauge",
  name: string,
  help: string,
  labels: readonly string[],
  read: (source: S) => Iterable<LabelledValue>,
): Metric<S> {
  return {
    name,
    type,
    help,
    labels,
    samples: (source) =>
      Array.from(read(source), ([values, value]) => ({ suffix: "", labels: labelsOf(labels, values), value })),
  };
}

/** Of durations, in seconds. */
export function histogram<S>(
  name: string,
  help: string,
  labels: readonly string[],
  read: (source: S) => Iterable<readonly [labels: readonly string[], durations: Durations]>,
): Metric<S> {
  return {
    name,
    type: "histogram",
    help,
    labels,
    samples: (source) =>
      Array.from(read(source), ([values, durations]) => histogramSamples(labelsOf(labels, values), durations)).flat(),
  };
}

export type Durations = Pick<DurationHistogram, "boundsMs" | "counts" | "sumMs">;

/**
 * The rows of a part that has a source of its own.
 *
 * @param select the part's source; undefined where the part is not in use, and its metrics are not served
 */
export function of<S, P>(select: (source: S) => P | undefined, metrics: readonly Metric<P>[]): readonly Metric<S>[] {
  return metrics.map((metric) => ({
    ...metric,
    samples: (source) => {
      const part = select(source);
      return part === undefined ? [] : metric.samples(part);
    },
  }));
}

function plain(value: number): Sample {
  return { suffix: "", labels: {}, value };
}

function labelsOf(names: readonly string[], values: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(names.map((name, index) => [name, values[index] ?? ""]));
}

function histogramSamples(
  labels: Readonly<Record<string, string>>,
  { boundsMs, counts, sumMs }: Durations,
): readonly Sample[] {
  let count = 0;
  const buckets = counts.map((counted, index): Sample => {
    count += counted;
    const bound = boundsMs[index];
    return {
      suffix: "_bucket",
      labels: { ...labels, le: bound === undefined ? "+Inf" : String(bound / 1_000) },
      value: count,
    };
  });
  return [...buckets, { suffix: "_sum", labels, value: sumMs / 1_000 }, { suffix: "_count", labels, value: count }];
}
