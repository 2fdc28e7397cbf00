import { afterEach, describe, expect, it } from "@jest/globals";
import { Metrics } from "../../../src/adapters/ops/metrics/metrics.js";
import { SIDECAR_METRICS } from "../../../src/adapters/ops/metrics/sidecar-metrics.js";
import { OpsServer } from "../../../src/adapters/ops/ops-server.js";
import { Readiness } from "../../../src/application/readiness.js";
import type { Logger } from "../../../src/ports/logger.js";
import { ANSWER_SOURCES, DependencyState, newTelemetry, type Telemetry } from "../../../src/ports/telemetry.js";

const SILENT: Logger = { error: () => {}, warn: () => {}, info: () => {}, debug: () => {} };

const running: OpsServer[] = [];
afterEach(async () => {
  for (const server of running.splice(0)) await server.close();
});

async function start(telemetry: Telemetry, size = { subjects: 0, bytes: 0, maxBytes: 1_000 }) {
  const metrics = new Metrics(SIDECAR_METRICS, () =>
    Promise.resolve({ build: { version: "1.2.3" }, telemetry, cache: { size } }),
  );
  const server = new OpsServer({
    livenessPath: "livez",
    readinessPath: "readyz",
    readiness: new Readiness(),
    metrics,
    logger: SILENT,
  });
  running.push(server);
  const { port } = await server.listen(0, "127.0.0.1");
  return async () => {
    const response = await fetch(`http://127.0.0.1:${port}/metrics`);
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
    return samplesOf(await response.text());
  };
}

/** The samples of the text format, by name and labels. */
function samplesOf(text: string): Map<string, number> {
  const samples = new Map<string, number>();
  for (const line of text.split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    const at = line.lastIndexOf(" ");
    const name = line.slice(0, at);
    if (samples.has(name)) throw new Error(`${name} is told twice`);
    samples.set(name, Number(line.slice(at + 1)));
  }
  return samples;
}

type Counted = { [Key in keyof Telemetry]: Telemetry[Key] extends number ? Key : never }[keyof Telemetry];

const COUNTERS: readonly (readonly [name: string, counted: Counted])[] = [
  ["sidecar_initialization_errors_total", "initializationErrors"],
  ["sidecar_invalid_api_key_errors_total", "invalidApiKeyErrors"],
  ["sidecar_network_request_errors_total", "networkRequestErrors"],
  ["sidecar_redis_client_errors_total", "redisClientErrors"],
  ["sidecar_cache_hits_total", "cacheHits"],
  ["sidecar_cache_misses_total", "cacheMisses"],
  ["sidecar_cache_evictions_total", "cacheEvictions"],
  ["sidecar_stale_answers_total", "staleAnswers"],
];

describe("the metrics", () => {
  it("all exist from the first scrape, at 0", async () => {
    const samples = await (await start(newTelemetry()))();
    for (const [name] of COUNTERS) expect([name, samples.get(name)]).toEqual([name, 0]);
    for (const source of ANSWER_SOURCES) expect(samples.get(`sidecar_answers_total{source="${source}"}`)).toBe(0);
    for (const name of ["sidecar_cache_subjects", "sidecar_cache_bytes"])
      expect([name, samples.get(name)]).toEqual([name, 0]);
  });

  it.each(COUNTERS)("%s is what was counted when it is read", async (name, counted) => {
    const telemetry = newTelemetry();
    const scrape = await start(telemetry);
    telemetry[counted] += 3;
    expect((await scrape()).get(name)).toBe(3);
    telemetry[counted] += 4;
    const samples = await scrape();
    expect(samples.get(name)).toBe(7);
    for (const [other] of COUNTERS) if (other !== name) expect([other, samples.get(other)]).toEqual([other, 0]);
  });

  it("show whether each thing in use works, from the first scrape, at 0 until it is known to", async () => {
    const telemetry = newTelemetry();
    const nodes = [
      new DependencyState("redis", telemetry.dependencies),
      new DependencyState("redis", telemetry.dependencies),
    ] as const;
    const stream = new DependencyState("update_stream", telemetry.dependencies);
    telemetry.openBreakers.set("edge", false);
    const scrape = await start(telemetry);
    const figures = async () => {
      const samples = await scrape();
      const names = [
        'sidecar_dependency_up{dependency="redis"}',
        'sidecar_dependency_up{dependency="update_stream"}',
        "sidecar_update_stream_connected",
        'sidecar_circuit_breaker_open{upstream="edge"}',
      ];
      return names.map((name) => samples.get(name));
    };
    expect(await figures()).toEqual([0, 0, 0, 0]);
    nodes[0].set(true);
    stream.set(true);
    expect(await figures()).toEqual([0, 1, 1, 0]);
    nodes[1].set(true);
    telemetry.openBreakers.set("edge", true);
    expect(await figures()).toEqual([1, 1, 1, 1]);
    nodes[1].set(false);
    stream.set(false);
    expect(await figures()).toEqual([0, 0, 0, 1]);
    nodes[1].release();
    expect(await figures()).toEqual([1, 0, 0, 1]);
    expect((await scrape()).get('sidecar_dependency_up{dependency="queue"}')).toBeUndefined();
  });

  it("show when the update stream last brought a change, and how often the fallback answered", async () => {
    const telemetry = newTelemetry();
    const scrape = await start(telemetry);
    expect((await scrape()).get("sidecar_update_stream_last_message_timestamp_seconds")).toBe(0);
    expect((await scrape()).get("sidecar_fallbacks_total")).toBe(0);
    telemetry.lastStreamMessageAt = 1_500;
    telemetry.answers.fallback = 2;
    expect((await scrape()).get("sidecar_update_stream_last_message_timestamp_seconds")).toBe(1.5);
    expect((await scrape()).get("sidecar_fallbacks_total")).toBe(2);
  });

  it("tell answers by where they came from", async () => {
    const telemetry = newTelemetry();
    const scrape = await start(telemetry);
    ANSWER_SOURCES.forEach((source, index) => (telemetry.answers[source] = index + 1));
    const samples = await scrape();
    expect(ANSWER_SOURCES.map((source) => samples.get(`sidecar_answers_total{source="${source}"}`))).toEqual([
      1, 2, 3, 4, 5, 6,
    ]);
  });

  it("tell the size of the cache and its bound", async () => {
    const size = { subjects: 2, bytes: 512, maxBytes: 1_024 };
    const scrape = await start(newTelemetry(), size);
    const read = async () => {
      const samples = await scrape();
      return ["sidecar_cache_subjects", "sidecar_cache_bytes", "sidecar_cache_max_bytes"].map((name) =>
        samples.get(name),
      );
    };
    expect(await read()).toEqual([2, 512, 1_024]);
    size.subjects = 1;
    expect(await read()).toEqual([1, 512, 1_024]);
  });

  it("come with those of the process", async () => {
    const samples = await (await start(newTelemetry()))();
    for (const name of ["process_resident_memory_bytes", "process_cpu_seconds_total", "nodejs_eventloop_lag_seconds"]) {
      expect(samples.get(name)).toBeGreaterThanOrEqual(0);
    }
  });

  it("of two services in one process are kept apart", async () => {
    const [one, other] = [newTelemetry(), newTelemetry()];
    const [scrapeOne, scrapeOther] = [await start(one), await start(other)];
    one.cacheHits = 5;
    expect((await scrapeOne()).get("sidecar_cache_hits_total")).toBe(5);
    expect((await scrapeOther()).get("sidecar_cache_hits_total")).toBe(0);
  });
});
