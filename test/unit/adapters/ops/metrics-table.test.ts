import { readFileSync } from "node:fs";
import { describe, expect, it } from "@jest/globals";
import { CONSUMPTION_METRICS } from "../../../../src/adapters/ops/metrics/consumption-metrics.js";
import { counter, histogram, labelled, type Metric, of } from "../../../../src/adapters/ops/metrics/metric.js";
import { expose, metricsDocument } from "../../../../src/adapters/ops/metrics/metrics.js";
import { SIDECAR_METRICS } from "../../../../src/adapters/ops/metrics/sidecar-metrics.js";
import { DurationHistogram, newTelemetry } from "../../../../src/ports/telemetry.js";

type Described = Pick<Metric<never>, "name" | "type" | "help" | "labels">;

describe.each<[string, readonly Described[]]>([
  ["sidecar", SIDECAR_METRICS],
  ["persistent_cache", CONSUMPTION_METRICS],
])("the metrics of %s", (prefix, metrics) => {
  it("have names of their own", () => {
    expect(new Set(metrics.map(({ name }) => name)).size).toBe(metrics.length);
  });

  it.each(metrics.map((metric) => [metric.name, metric] as const))(
    "%s is named and described as Prometheus asks",
    (name, { type, help, labels }) => {
      expect(name).toMatch(new RegExp(`^${prefix}_[a-z][a-z_]*[a-z]$`));
      expect(name.endsWith("_total")).toBe(type === "counter");
      expect(name).not.toMatch(/_(ms|milliseconds|percent|kb|count|sum|bucket|gauge|counter|histogram)(_|$)/);
      expect(help).toMatch(/^[A-Z].*\.$|: .*[a-z0-9)]\.?$/);
      expect(help).not.toContain("\n");
      for (const label of labels) expect(label).toMatch(/^[a-z]+(_[a-z]+)*$/);
    },
  );
});

it("the documentation lists them as they are", () => {
  const document = readFileSync(new URL("../../../../docs/metrics.md", import.meta.url), "utf8");
  expect(document).toContain(metricsDocument());
});

it("every figure of the telemetry is served", () => {
  const telemetry = newTelemetry();
  const sources = { build: { version: "0" }, telemetry, cache: { size: { subjects: 0, bytes: 0, maxBytes: 0 } } };
  const texts = () =>
    expose(
      SIDECAR_METRICS.map((metric) => ({ ...metric, samples: metric.samples(sources) })),
      undefined,
    ).body;
  const before = texts();
  for (const [key, value] of Object.entries(telemetry)) {
    if (typeof value !== "number") continue;
    (telemetry as unknown as Record<string, number>)[key] = 1;
    expect([key, texts() === before]).toEqual([key, false]);
    (telemetry as unknown as Record<string, number>)[key] = 0;
  }
});

it("events that no meter names are served by name, as far as there are not too many", () => {
  const metric = SIDECAR_METRICS.find(({ name }) => name === "sidecar_catalog_unmatched_events_total");
  const samplesOf = (unmatched: ReadonlyMap<string, number>) =>
    metric
      ?.samples({
        build: { version: "0" },
        telemetry: newTelemetry(),
        cache: { size: { subjects: 0, bytes: 0, maxBytes: 0 } },
        unmatchedEvents: () => unmatched,
      })
      .map(({ labels, value }) => [labels["event_name"], value]);
  expect(samplesOf(new Map([["typo", 2]]))).toEqual([["typo", 2]]);
  const many = new Map(Array.from({ length: 102 }, (_, i) => [`name ${i}`, 1]));
  const served = samplesOf(many.set("", 5));
  expect([served?.length, served?.at(-1)]).toEqual([101, ["", 7]]);
});

describe("an exposition", () => {
  const FAMILIES = [
    {
      ...counter("a_total", "Says \\ and\na line.", () => 0),
      samples: [{ suffix: "", labels: { who: 'a "b"\\\n' }, value: 3 }],
    },
    { name: "b", type: "gauge", help: "B.", samples: [{ suffix: "", labels: {}, value: Infinity }] },
  ] as const;

  it("escapes what has a meaning of its own", () => {
    expect(expose(FAMILIES, undefined)).toEqual({
      contentType: "text/plain; version=0.0.4; charset=utf-8",
      body: '# HELP a_total Says \\\\ and\\na line.\n# TYPE a_total counter\na_total{who="a \\"b\\"\\\\\\n"} 3\n\n# HELP b B.\n# TYPE b gauge\nb +Inf\n',
    });
  });

  it.each([
    [
      "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
      true,
    ],
    ["text/plain", false],
    ["*/*", false],
    ["application/openmetrics-text;q=0, text/plain", false],
  ])("for %s is OpenMetrics: %s", (accept, isOpen) => {
    const { contentType, body } = expose(FAMILIES, accept);
    expect(contentType.startsWith("application/openmetrics-text")).toBe(isOpen);
    expect(body.endsWith("# EOF\n")).toBe(isOpen);
    expect(body.includes("# TYPE a counter")).toBe(isOpen);
    expect(body).toContain("a_total{");
  });

  it("leaves out a part that is not in use, and a metric without values", () => {
    const rows = of((source: { part?: number }) => source.part, [counter("a_total", "A.", (part: number) => part)]);
    const empty = labelled("gauge", "b", "B.", ["l"], () => []);
    const body = (source: { part?: number }) =>
      expose(
        [...rows, empty].map((metric) => ({ ...metric, samples: metric.samples(source) })),
        undefined,
      ).body;
    expect(body({})).toBe("");
    expect(body({ part: 2 })).toContain("a_total 2");
  });

  it("cumulates the buckets of a histogram, in seconds", () => {
    const durations = new DurationHistogram([10, 100]);
    for (const ms of [10, 11, 100, 5_000]) durations.observe(ms);
    const row = histogram("h_seconds", "H.", ["k"], () => [[["v"], durations]]);
    const lines = expose([{ ...row, samples: row.samples(undefined) }], undefined)
      .body.trim()
      .split("\n")
      .slice(2);
    expect(lines).toEqual([
      'h_seconds_bucket{k="v",le="0.01"} 1',
      'h_seconds_bucket{k="v",le="0.1"} 3',
      'h_seconds_bucket{k="v",le="+Inf"} 4',
      'h_seconds_sum{k="v"} 5.121',
      'h_seconds_count{k="v"} 4',
    ]);
  });
});
