import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { type RedisServer, startRedis } from "../../builders/redis-servers.js";
import { API_KEY, emulateCatalog, type EmulatedCatalog } from "../../fakes/emulated-catalog.js";
import { eventually } from "../../support/expectations.js";
import { ServiceProcess } from "../service/service-process.js";

const CATALOG = {
  features: [{ id: "calls", kind: "metered" as const }],
  plans: [{ id: "pro", entitlements: { calls: 10 } }],
  customers: ["counted", "killed", "started"].map((id) => ({ id, plan: "pro" })),
};
const PENDING = "production:sidecar:pending:*";

let upstream: EmulatedCatalog;
let redis: RedisServer;
let directory: string;
const running: ServiceProcess[] = [];

beforeAll(async () => {
  [upstream, redis] = await Promise.all([emulateCatalog(CATALOG), startRedis()]);
  directory = await mkdtemp(join(tmpdir(), "shared-overlay-"));
});

afterEach(async () => {
  for (const service of running.splice(0)) {
    service.child.kill("SIGKILL");
    await service.ended;
  }
  await upstream.emulator.faults.comeBack();
  await redis.admin.flushall();
});

afterAll(async () => {
  await Promise.all([upstream.stop(), redis.stop()]);
  await rm(directory, { recursive: true });
});

async function serve(name: string): Promise<{ readonly service: ServiceProcess; readonly port: number }> {
  const { url, wsUrl } = upstream.emulator;
  const service = new ServiceProcess(["serve"], {
    SERVER_API_KEY: API_KEY,
    API_URL: url,
    EDGE_API_URL: url,
    WS_URL: wsUrl,
    WS_ENABLED: "true",
    REDIS_HOST: redis.host,
    REDIS_PORT: String(redis.port),
    REDIS_ENVIRONMENT_PREFIX: "production",
    GRPC_PORT: "0",
    METRICS_PORT: "0",
    LISTEN_HOST: "127.0.0.1",
    START_MESSAGE: "json",
    USAGE_OUTBOX_DIR: join(directory, name),
    SHUTDOWN_LINGER_MS: "0",
  });
  running.push(service);
  return { service, port: (await service.started()).grpcPort };
}

async function call(port: number, method: string, body: object): Promise<Record<string, unknown>> {
  const response = await fetch(`http://127.0.0.1:${port}/stigg.sidecar.v1.SidecarService/${method}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return (await response.json()) as Record<string, unknown>;
}

const report = (port: number, customerId: string, value: number) =>
  call(port, "ReportUsage", { customerId, featureId: "calls", value });

const usedBy = (port: number, customerId: string) => async () => {
  const { entitlement } = await call(port, "GetMeteredEntitlement", { customerId, featureId: "calls" });
  return (entitlement as { readonly currentUsage?: number }).currentUsage ?? 0;
};

const pendingKeys = () => redis.admin.keys(PENDING);

describe("sidecars that share a Redis", () => {
  it("count what waits in each other's outboxes, until it is measured", async () => {
    const [one, other] = await Promise.all([serve("one"), serve("other")]);
    for (const { port } of [one, other]) await usedBy(port, "counted")();
    await upstream.emulator.faults.goDown();
    await report(one.port, "counted", 4);
    await report(other.port, "counted", 5);
    for (const { port } of [one, other]) await eventually(usedBy(port, "counted")).toBe(9);
    await upstream.emulator.faults.comeBack();
    const counted = () => upstream.engine.stateOf({ customerId: "counted" }).featureUsage("calls").currentUsage;
    await eventually(counted, { timeout: 20_000 }).toBe(9);
    await eventually(pendingKeys, { timeout: 20_000 }).toEqual([]);
    for (const { port } of [one, other]) await eventually(usedBy(port, "counted"), { timeout: 20_000 }).toBe(9);
  }, 60_000);

  it("learn at their start what others have, and forget what expires with who wrote it", async () => {
    const one = await serve("dies");
    await usedBy(one.port, "killed")();
    await upstream.emulator.faults.goDown();
    await report(one.port, "killed", 3);
    await eventually(pendingKeys).toHaveLength(1);
    one.service.child.kill("SIGKILL");
    await one.service.ended;
    const late = await serve("late");
    await eventually(usedBy(late.port, "killed")).toBe(3);
    const [key = ""] = await pendingKeys();
    // Nobody is left to write it again.
    const ttl = await redis.admin.pttl(key);
    expect([ttl > 0, ttl <= 300_000]).toEqual([true, true]);
    await redis.admin.pexpire(key, 1);
    await eventually(usedBy(late.port, "killed")).toBe(0);
  }, 60_000);

  it("take back what was written in their name, where it was delivered", async () => {
    const one = await serve("again");
    await usedBy(one.port, "started")();
    await upstream.emulator.faults.goDown();
    await report(one.port, "started", 3);
    await eventually(pendingKeys).toHaveLength(1);
    const [key = ""] = await pendingKeys();
    one.service.child.kill("SIGKILL");
    await one.service.ended;
    // As if it had been killed between the delivery and the word of it.
    const other = `${key.slice(0, key.lastIndexOf(":"))}:${Buffer.from('["counted"]').toString("base64url")}`;
    await redis.admin.set(other, (await redis.admin.get(key)) ?? "");
    await serve("again");
    await eventually(pendingKeys, { timeout: 10_000 }).toEqual([key]);
  }, 60_000);
});
