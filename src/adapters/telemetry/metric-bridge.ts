import { type HrTime, ValueType } from "@opentelemetry/api";
import { hrTime } from "@opentelemetry/core";
import { emptyResource } from "@opentelemetry/resources";
import {
  AggregationTemporality,
  type CollectionResult,
  type DataPoint,
  DataPointType,
  type Histogram,
  type MetricData,
  type MetricProducer,
} from "@opentelemetry/sdk-metrics";

/** A metric with what it reads now, as it is served to Prometheus. */
export interface MeasuredFamily {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly samples: readonly {
    readonly suffix: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly value: number;
  }[];
}

/** The service's own counters as OpenTelemetry's metrics, under the names that they have for Prometheus: nothing is counted twice. */
export class MetricBridge implements MetricProducer {
  readonly #program: string;
  readonly #version: string;
  readonly #read: () => Promise<Iterable<MeasuredFamily>>;
  /** All of them count from the start of the process. */
  readonly #startTime: HrTime = hrTime();

  constructor(program: string, version: string, read: () => Promise<Iterable<MeasuredFamily>>) {
    this.#program = program;
    this.#version = version;
    this.#read = read;
  }

  async collect(): Promise<CollectionResult> {
    const families = await this.#read();
    const endTime = hrTime();
    const times = { startTime: this.#startTime, endTime };
    const metrics = [...families]
      .filter(({ samples }) => samples.length > 0)
      .map((family) => metricOf(family, times))
      .filter((metric) => metric !== undefined);
    const scope = { name: this.#program, version: this.#version };
    return { resourceMetrics: { resource: emptyResource(), scopeMetrics: [{ scope, metrics }] }, errors: [] };
  }
}

interface Times {
  readonly startTime: HrTime;
  readonly endTime: HrTime;
}

/** @returns undefined for a kind of metric that there is none of */
function metricOf(family: MeasuredFamily, times: Times): MetricData | undefined {
  const { name, type, help, samples } = family;
  const common = {
    descriptor: { name, description: help, unit: "", valueType: ValueType.DOUBLE },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
  };
  const numbers = (): DataPoint<number>[] =>
    samples.map(({ labels, value }) => ({ ...times, attributes: labels, value }));
  switch (type) {
    case "counter":
      return { ...common, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints: numbers() };
    case "gauge":
      return { ...common, dataPointType: DataPointType.GAUGE, dataPoints: numbers() };
    case "histogram":
      return { ...common, dataPointType: DataPointType.HISTOGRAM, dataPoints: histograms(family, times) };
    default:
      return undefined;
  }
}

interface Growing {
  readonly attributes: Readonly<Record<string, string>>;
  readonly boundaries: number[];
  /** Cumulated, as Prometheus has them. */
  readonly cumulated: number[];
  sum: number;
  count: number;
}

/** Prometheus's lines of one histogram, put together again: a bucket there counts all that lies below it. */
function histograms({ samples }: MeasuredFamily, times: Times): DataPoint<Histogram>[] {
  const byLabels = new Map<string, Growing>();
  for (const { suffix, labels, value } of samples) {
    const { le, ...attributes } = labels;
    const key = JSON.stringify(attributes);
    const growing = byLabels.get(key) ?? { attributes, boundaries: [], cumulated: [], sum: 0, count: 0 };
    byLabels.set(key, growing);
    if (suffix === "_sum") growing.sum = value;
    else if (suffix === "_count") growing.count = value;
    else {
      if (le !== "+Inf") growing.boundaries.push(Number(le));
      growing.cumulated.push(value);
    }
  }
  return [...byLabels.values()].map(({ attributes, boundaries, cumulated, sum, count }) => ({
    ...times,
    attributes,
    value: {
      buckets: { boundaries, counts: cumulated.map((each, index) => each - (cumulated[index - 1] ?? 0)) },
      sum,
      count,
    },
  }));
}
