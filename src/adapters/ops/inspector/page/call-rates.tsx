import { type Fact, Facts, number, Panel } from "./parts.js";

/** Of which the chart is drawn. */
const SHOWN_SECONDS = 120;
const WIDTH = 300;
const HEIGHT = 60;

interface Sample {
  readonly name: string;
  readonly labels: string;
  readonly value: number;
}

export type Samples = readonly Sample[];

/** The samples of Prometheus's text format. */
export function samplesOf(text: string): Samples {
  return Array.from(text.matchAll(/^([a-z_]+)(?:\{(.*)\})? (\S+)$/gm), ([, name = "", labels = "", value]) => ({
    name,
    labels,
    value: Number(value),
  }));
}

interface Look {
  /** Milliseconds by the page's own clock. */
  readonly at: number;
  readonly samples: Samples;
}

export interface CallRates {
  readonly last: Look | undefined;
  /** Calls a second, the latest last. */
  readonly rates: readonly number[];
  readonly facts: readonly Fact[];
}

export const NO_RATES: CallRates = { last: undefined, rates: [], facts: [] };

/** What came to be between two looks at the counters. */
export function ratesSince({ last, rates }: CallRates, now: Look): CallRates {
  if (last === undefined) return { ...NO_RATES, last: now };
  const seconds = (now.at - last.at) / 1_000;
  const perSecond = (name: string, label?: string) =>
    Math.max(0, (sum(now.samples, name, label) - sum(last.samples, name, label)) / seconds);
  const rate = perSecond("sidecar_requests_total");
  const rounded = (value: number) => number.format(Math.round(value));
  return {
    last: now,
    rates: [...rates, rate].slice(-SHOWN_SECONDS),
    facts: [
      ["calls a second", rounded(rate)],
      ["denied", `${rounded(perSecond("sidecar_decisions_total", 'outcome="denied"'))} a second`],
      ["fallbacks", `${rounded(perSecond("sidecar_fallbacks_total"))} a second`],
      [
        "median, 99 %",
        `${describeLatency(quantile(last.samples, now.samples, 0.5))}, ${describeLatency(quantile(last.samples, now.samples, 0.99))}`,
      ],
    ],
  };
}

function sum(samples: Samples, name: string, label = ""): number {
  return samples
    .filter((sample) => sample.name === name && sample.labels.includes(label))
    .reduce((total, { value }) => total + value, 0);
}

/** The bucket's bound, in seconds, that a share of the calls between two looks did not exceed. */
function quantile(before: Samples, now: Samples, share: number): number | undefined {
  const counts = new Map<number, number>();
  const add = (samples: Samples, sign: 1 | -1) => {
    for (const { name, labels, value } of samples) {
      if (name !== "sidecar_request_duration_seconds_bucket") continue;
      const bound = Number(/le="([^"]*)"/.exec(labels)?.[1]?.replace("+Inf", "Infinity"));
      counts.set(bound, (counts.get(bound) ?? 0) + sign * value);
    }
  };
  add(now, 1);
  add(before, -1);
  const total = counts.get(Infinity) ?? 0;
  if (total === 0) return undefined;
  return [...counts.keys()].sort((a, b) => a - b).find((bound) => (counts.get(bound) ?? 0) >= share * total);
}

function describeLatency(seconds: number | undefined): string {
  if (seconds === undefined) return "no calls";
  return seconds === Infinity ? "above 5 s" : `up to ${seconds * 1_000} ms`;
}

export function CallRatesPanel({ rates, facts }: CallRates) {
  const highest = Math.max(1, ...rates);
  const line = rates
    .map((rate, index) => {
      const [x, y] = [(index * WIDTH) / (SHOWN_SECONDS - 1), HEIGHT - (rate / highest) * (HEIGHT - 4)];
      return `${index === 0 ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`;
    })
    .join(" ");
  const now = number.format(Math.round(rates.at(-1) ?? 0));
  return (
    <Panel id="calls" title="Calls">
      <svg
        role="img"
        viewBox={`0 0 ${WIDTH} ${HEIGHT + 4}`}
        preserveAspectRatio="none"
        aria-label={`Calls a second over the last two minutes, now ${now}, at most ${number.format(Math.round(highest))}`}
      >
        <path d={line} />
      </svg>
      <Facts facts={facts} />
    </Panel>
  );
}
