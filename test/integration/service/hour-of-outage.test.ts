import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { FoldingLogger } from "../../../src/adapters/ops/folding-logger.js";
import { loadConfig } from "../../../src/bootstrap/config/sidecar-config.js";
import { openCache } from "../../../src/bootstrap/sidecar/foundations.js";
import { Sidecar } from "../../../src/bootstrap/sidecar/sidecar.js";
import { vendorSource } from "../../../src/bootstrap/source/vendor-source.js";
import { newTelemetry } from "../../../src/ports/telemetry.js";
import { type RedisServer, startRedis } from "../../builders/redis-servers.js";
import { API_KEY, type EmulatedUpstream, emulatedUpstream, emulatorOf } from "../../builders/sidecar-on-emulator.js";
import { ManualClock } from "../../fakes/manual-clock.js";
import { type LogLine, RecordingLogger } from "../../fakes/recording-logger.js";
import { because, eventually } from "../../support/expectations.js";
import { onTestFinished } from "../../support/on-test-finished.js";

const MINUTES = 60;
const STEP_MS = 3_000;

const CATALOG = {
  features: [{ id: "seats", kind: "metered" as const, meterType: "Fluctuating" as const }],
  plans: [{ id: "pro", entitlements: { seats: 10 } }],
  customers: [{ id: "acme", plan: "pro" }],
};

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** What is logged for each request that fails, and folded. */
const PER_REQUEST = "a report of usage failed";

/** What is lost, and how it is said that it is there again: at the same level. */
const RECOVERIES: ReadonlyMap<string, string> = new Map([
  ["there is no connection to Redis", "connected to Redis"],
  ["Redis sends no invalidations: what is held in memory may be stale", "Redis tells of writes"],
  [
    "the update stream is lost and is opened again; until then cached states are refreshed by polling",
    "the update stream is connected: changes arrive as they happen",
  ],
  [
    "changes cannot be written to Redis; they are written as soon as it takes writes",
    "all changes that Redis had missed are written",
  ],
  ["the API does not work and is not asked until it does", "the API works again"],
  ["Edge does not work and is not asked until it does", "Edge works again"],
  ["an update could not be written to the cache", "updates are written to the cache again"],
  ["reported usage could not be written to the cache", "reported usage is written to the cache again"],
  // Each says of itself that it did not count; that the next one does is said of the API.
  [PER_REQUEST, "the API works again"],
]);

const textOf = (line: string) => line.slice(line.indexOf(" ") + 1);
const isRecovery = (line: string) => [...RECOVERIES.values()].includes(textOf(line));

function countByMessage(lines: readonly LogLine[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { level, message } of lines) {
    if (level === "debug" || level === "info") continue;
    const line = `${level} ${message}`;
    counts.set(line, (counts.get(line) ?? 0) + 1);
  }
  return counts;
}

describe("an hour without Edge, the API, the update stream and Redis", () => {
  let upstream: EmulatedUpstream;
  let redis: RedisServer;
  const clock = new ManualClock(Date.now());
  const lines = new RecordingLogger();
  const logger = new FoldingLogger(lines, clock);
  const telemetry = newTelemetry();
  let sidecar: Sidecar;
  let baseUrl: string;
  /** Time as it is, but for the hour. */
  let ticking: NodeJS.Timeout;

  beforeAll(async () => {
    [upstream, redis] = await Promise.all([emulatedUpstream(CATALOG), startRedis()]);
    ticking = setInterval(() => clock.advance(10), 10);
    const { config } = loadConfig({
      SERVER_API_KEY: API_KEY,
      API_URL: upstream.emulator.url,
      EDGE_API_URL: upstream.emulator.url,
      WS_URL: upstream.emulator.wsUrl,
      WS_ENABLED: "true",
      REDIS_ENVIRONMENT_PREFIX: "test",
      REDIS_HOST: redis.host,
      REDIS_PORT: String(redis.port),
      LISTEN_HOST: "127.0.0.1",
      GRPC_PORT: "0",
      METRICS_PORT: "0",
      SHUTDOWN_LINGER_MS: "0",
      SHUTDOWN_GRACE_MS: "1000",
    });
    const services = { clock, logger, telemetry };
    const [cache, source] = [await openCache(config, services), vendorSource(config, API_KEY, services)];
    sidecar = new Sidecar({ config, ...services, source, cache });
    const { grpcPort } = await sidecar.start();
    baseUrl = `http://127.0.0.1:${grpcPort}/stigg.sidecar.v1.SidecarService/`;
  });
  afterAll(async () => {
    await sidecar.stop();
    clearInterval(ticking);
    await Promise.all([upstream.stop(), redis.stop()]);
  });

  const call = (method: string, message: object) =>
    fetch(baseUrl + method, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(message),
    }).then((response) => response.text());
  const check = (customerId: string) => call("GetEntitlement", { customerId, featureId: "seats" });
  const report = () => call("ReportUsage", { customerId: "acme", featureId: "seats", value: 1 });
  const down = () =>
    [...telemetry.dependencies].filter(({ isUp, isKnown }) => isKnown && !isUp).map(({ name }) => name);
  const isUp = (name: string) =>
    [...telemetry.dependencies].some((dependency) => dependency.name === name && dependency.isUp);

  it("writes one line for each change and at most one a minute for what repeats, and each loss has its recovery", async () => {
    expect(await check("acme")).toContain('"hasAccess":true');
    await eventually(() => isUp("update_stream")).toBe(true);
    const before = lines.lines.length;
    await Promise.all([upstream.emulator.stop(), redis.kill()]);
    for (let step = 0; step < (MINUTES * 60_000) / STEP_MS; step++) {
      const calls = step % 3 === 0 ? [check("acme"), check(`stranger-${step % 5}`), report()] : [];
      for (let part = 0; part < 6; part++) {
        await turn();
        clock.advance(STEP_MS / 6);
      }
      void Promise.allSettled(calls);
    }
    expect(down().sort()).toEqual(["api", "edge", "redis", "redis_invalidations", "update_stream"]);
    const duringOutage = countByMessage(lines.lines.slice(before));
    for (const [line, count] of duringOutage)
      because(line, () => expect(count).toBeLessThanOrEqual(line.includes(PER_REQUEST) ? 1 + MINUTES : 1));
    expect(duringOutage.size).toBeGreaterThanOrEqual(down().length);

    const atEnd = lines.lines.length;
    await redis.restartEmpty();
    const again = await emulatorOf(upstream.engine, Number(new URL(upstream.emulator.url).port));
    onTestFinished(() => again.stop());
    await eventually(
      async () => {
        await Promise.all([check("acme"), check(`newcomer-${clock.now()}`), report()]);
        return down();
      },
      { timeout: 60_000 },
    ).toEqual([]);
    /** Also what is lost that this test knows no recovery of. */
    const unrecovered = () => {
      const logged = [...countByMessage(lines.lines.slice(before)).keys()];
      return logged.filter((line) => {
        const [level = ""] = line.split(" ", 1);
        const recovery = RECOVERIES.get(textOf(line));
        return !isRecovery(line) && (recovery === undefined || !logged.includes(`${level} ${recovery}`));
      });
    };
    await eventually(unrecovered, { timeout: 60_000 }).toEqual([]);
    // What came after the hour is told once as well.
    for (const [line, count] of countByMessage(lines.lines.slice(atEnd))) because(line, () => expect(count).toBe(1));
  }, 180_000);
});
