import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { customerInvalidated, entitlementsUpdated, T0, usageUpdated } from "../../builders/change-messages.js";
import type { TestQueue } from "../../builders/queue-server.js";
import { eventually } from "../../support/expectations.js";
import { PersistentCacheWorld, type RunningService } from "./persistent-cache-under-test.js";

const HISTOGRAMS = ["persistent_cache_write_duration_seconds", "persistent_cache_message_handling_duration_seconds"];
const VALUES = [
  "persistent_cache_write_errors_total",
  "persistent_cache_hit_ratio",
  "persistent_cache_memory_usage_bytes",
  "persistent_cache_hits_total",
  "persistent_cache_misses_total",
  "persistent_cache_messages_processed_total",
  "process_resident_memory_bytes",
  "nodejs_eventloop_lag_seconds",
];

describe("the persistent-cache service's metrics", () => {
  let world: PersistentCacheWorld;
  let queue: TestQueue;
  let service: RunningService;

  beforeAll(async () => {
    world = await PersistentCacheWorld.start();
    queue = world.queue();
    service = await world.service(queue, { CACHE_UPDATE_POLICY: "UPSERT" });
  });
  afterAll(() => world.stop());

  it("are all there from the first scrape on", async () => {
    const text = await (await fetch(`${service.url}/metrics`)).text();
    for (const name of HISTOGRAMS)
      expect(text).toMatch(
        new RegExp(
          `^# TYPE ${name} histogram$[^]*^${name}_bucket\\{le="\\+Inf"\\} 0$[^]*^${name}_sum 0$[^]*^${name}_count 0$`,
          "m",
        ),
      );
    for (const name of VALUES) expect(text).toMatch(new RegExp(`^${name} [\\d.e+-]+$`, "m"));
    expect(text).toMatch(/^# TYPE persistent_cache_hits_total counter$/m);
    expect(text).toMatch(/^# TYPE persistent_cache_messages_processed_total counter$/m);
  });

  it("tell after a known run what happened in it", async () => {
    await queue.send(
      ...Array.from({ length: 20 }, (_, index) => entitlementsUpdated({ customerId: `customer-${index}` })),
      ...Array.from({ length: 5 }, (_, index) =>
        usageUpdated({ customerId: `customer-${index}`, currentUsage: 1, usageUpdatedAt: T0 + 1 }),
      ),
    );
    await queue.drained();
    await eventually(() => service.metric("persistent_cache_messages_processed_total")).toBe(25);
    expect(await service.metric("persistent_cache_message_handling_duration_seconds_count")).toBe(25);
    expect(await service.metric("persistent_cache_message_handling_duration_seconds_sum")).toBeGreaterThan(0);
    const writes = (await service.metric("persistent_cache_write_duration_seconds_count")) ?? NaN;
    expect(writes).toBeGreaterThan(0);
    expect(writes).toBeLessThanOrEqual(25);
    expect(await service.metric("persistent_cache_write_errors_total")).toBe(0);
  });

  it("count what Edge refuses for the API key, which the status tells as well", async () => {
    const other = world.queue();
    const refused = await world.service(other, { CACHE_UPDATE_POLICY: "UPSERT", SERVER_API_KEY: "another-key" });
    await other.send(customerInvalidated("acme"));
    await eventually(() => refused.metric("persistent_cache_invalid_api_key_errors_total")).toBeGreaterThan(0);
    const answer = await fetch(`${refused.url}/status?expect=apiKey.state=refused`);
    expect(answer.status).toBe(200);
    await refused.stop();
  });

  it("count the requests of Edge that fail", async () => {
    const other = world.queue();
    const failing = await world.service(other, { CACHE_UPDATE_POLICY: "UPSERT", EDGE_API_URL: "http://127.0.0.1:1" });
    await other.send(customerInvalidated("acme"));
    await eventually(() => failing.metric("persistent_cache_network_request_errors_total")).toBeGreaterThan(0);
    await failing.stop();
  });

  it("tell what Redis tells of itself", async () => {
    await world.redis.admin.config("RESETSTAT");
    await world.redis.admin.get("test:c_customer-0");
    await world.redis.admin.get("test:c_customer-1");
    await world.redis.admin.get("test:c_customer-2");
    await world.redis.admin.get("test:c_nobody");
    expect(await service.metric("persistent_cache_hits_total")).toBe(3);
    expect(await service.metric("persistent_cache_misses_total")).toBe(1);
    expect(await service.metric("persistent_cache_hit_ratio")).toBe(0.75);
    const used = Number(/used_memory:(\d+)/.exec(await world.redis.admin.info("memory"))?.[1]);
    const received = (await service.metric("persistent_cache_memory_usage_bytes")) ?? NaN;
    expect(received / used).toBeGreaterThan(0.9);
    expect(received / used).toBeLessThan(1.1);
  });

  it("answer while Redis does not, with what it told last", async () => {
    await world.redis.kill();
    await eventually(() => service.readiness()).toMatchObject({ status: 503 });
    expect(await service.metric("persistent_cache_hit_ratio")).toBe(0.75);
    expect(await service.metric("persistent_cache_messages_processed_total")).toBe(25);
  });

  it("count write errors for as long as Redis is away, although no message is received", async () => {
    const seen = (await service.metric("persistent_cache_write_errors_total")) ?? NaN;
    await eventually(() => service.metric("persistent_cache_write_errors_total")).toBeGreaterThan(seen + 2);
  });

  it("are beside health, which is as long as the process lives", async () => {
    const response = await fetch(`${service.url}/livez`);
    expect({ status: response.status, body: await response.text() }).toEqual({ status: 200, body: '{"status":"UP"}' });
    const readiness = await fetch(`${service.url}/readyz`);
    expect(await readiness.text()).toBe('{"status":"DOWN","consumers":0,"redis":"DISCONNECTED"}');
  });
});
