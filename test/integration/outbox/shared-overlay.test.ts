import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { startCluster } from "../../builders/redis-cluster.js";
import { type RedisServer, startRedis } from "../../builders/redis-servers.js";
import { API_KEY, emulateCatalog, type EmulatedCatalog } from "../../fakes/emulated-catalog.js";
import { eventually } from "../../support/expectations.js";
import { ServiceProcess } from "../service/service-process.js";

const CATALOG = {
  features: [{ id: "calls", kind: "metered" as const }],
  plans: [{ id: "pro", entitlements: { calls: 10 } }],
  customers: ["counted", "killed", "started"].map((id) => ({ id, plan: "pro" })),
};
const PENDING = "production:sidecar:pending:";

/** One server, or the masters of a Cluster. */
interface SharedRedis {
  readonly settings: Record<string, string>;
  readonly masters: readonly RedisServer[];
  stop(): Promise<void>;
}

async function oneServer(): Promise<SharedRedis> {
  const server = await startRedis();
  return {
    settings: { REDIS_HOST: server.host, REDIS_PORT: String(server.port) },
    masters: [server],
    stop: () => server.stop(),
  };
}

async function ofThree(): Promise<SharedRedis> {
  const cluster = await startCluster();
  return {
    settings: { REDIS_CLUSTER_NODES: cluster.nodes.map(({ host, port }) => `${host}:${port}`).join(",") },
    masters: cluster.masters,
    stop: () => cluster.stop(),
  };
}

let upstream: EmulatedCatalog;
let redis: SharedRedis;
let directory: string;
const running: ServiceProcess[] = [];

beforeAll(async () => {
  upstream = await emulateCatalog(CATALOG);
  directory = await mkdtemp(join(tmpdir(), "shared-overlay-"));
});

afterEach(async () => {
  for (const service of running.splice(0)) {
    service.child.kill("SIGKILL");
    await service.ended;
  }
  await upstream.emulator.faults.comeBack();
  await flush();
});

afterAll(async () => {
  await upstream.stop();
  await rm(directory, { recursive: true });
});

type Admin = RedisServer["admin"];

async function flush(): Promise<void> {
  await Promise.all(redis.masters.map(({ admin }) => admin.flushall()));
}

/** What the master says that has the key: the others say where it is. */
async function ofMasterWith<T>(ask: (admin: Admin) => Promise<T>): Promise<T> {
  for (const { admin } of redis.masters) {
    try {
      return await ask(admin);
    } catch (error) {
      if (!String(error).includes("MOVED")) throw error;
    }
  }
  throw new Error("no master has the key");
}

async function serve(name: string): Promise<{ readonly service: ServiceProcess; readonly port: number }> {
  const { url, wsUrl } = upstream.emulator;
  const service = new ServiceProcess(["serve"], {
    SERVER_API_KEY: API_KEY,
    API_URL: url,
    EDGE_API_URL: url,
    WS_URL: wsUrl,
    WS_ENABLED: "true",
    ...redis.settings,
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

const pendingKeys = async () =>
  (await Promise.all(redis.masters.map(({ admin }) => admin.keys(`${PENDING}*`)))).flat().sort();

const WORLDS: readonly (readonly [what: string, start: () => Promise<SharedRedis>])[] = [
  ["a Redis", oneServer],
  ["a Redis Cluster", ofThree],
];

describe.each(WORLDS)("sidecars that share %s", (what, start) => {
  const named = (name: string) => `${name} with ${what}`;
  beforeAll(async () => {
    redis = await start();
  }, 60_000);
  afterAll(() => redis.stop());

  it("count what waits in each other's outboxes, until it is measured", async () => {
    const [one, other] = await Promise.all([serve(named("one")), serve(named("other"))]);
    const counted = () => upstream.engine.stateOf({ customerId: "counted" }).featureUsage("calls").currentUsage;
    const all = counted() + 9;
    for (const { port } of [one, other]) await usedBy(port, "counted")();
    await upstream.emulator.faults.goDown();
    await report(one.port, "counted", 4);
    await report(other.port, "counted", 5);
    for (const { port } of [one, other]) await eventually(usedBy(port, "counted")).toBe(all);
    await upstream.emulator.faults.comeBack();
    await eventually(counted, { timeout: 20_000 }).toBe(all);
    await eventually(pendingKeys, { timeout: 20_000 }).toEqual([]);
    for (const { port } of [one, other]) await eventually(usedBy(port, "counted"), { timeout: 20_000 }).toBe(all);
  }, 60_000);

  it("learn at their start what others have, and forget what expires with who wrote it", async () => {
    const one = await serve(named("dies"));
    await usedBy(one.port, "killed")();
    await upstream.emulator.faults.goDown();
    await report(one.port, "killed", 3);
    await eventually(pendingKeys).toHaveLength(1);
    one.service.child.kill("SIGKILL");
    await one.service.ended;
    const late = await serve(named("late"));
    await eventually(usedBy(late.port, "killed")).toBe(3);
    const [key = ""] = await pendingKeys();
    // Nobody is left to write it again.
    const ttl = await ofMasterWith((admin) => admin.pttl(key));
    expect([ttl > 0, ttl <= 300_000]).toEqual([true, true]);
    await ofMasterWith((admin) => admin.pexpire(key, 1));
    await eventually(usedBy(late.port, "killed")).toBe(0);
  }, 60_000);

  it("take back what was written in their name, where it was delivered", async () => {
    const one = await serve(named("again"));
    await usedBy(one.port, "started")();
    await upstream.emulator.faults.goDown();
    await report(one.port, "started", 3);
    await eventually(pendingKeys).toHaveLength(1);
    const [key = ""] = await pendingKeys();
    one.service.child.kill("SIGKILL");
    await one.service.ended;
    // As if it had been killed between the delivery and the word of it.
    const subject = Buffer.from('["counted"]').toString("base64url");
    const outboxKey = key.slice(0, key.lastIndexOf(":"));
    const value = await ofMasterWith((admin) => admin.get(key));
    await ofMasterWith((admin) => admin.set(`${outboxKey}:${subject}`, value ?? ""));
    const list = outboxKey.replace(PENDING, "production:sidecar:outbox:");
    await ofMasterWith((admin) => admin.zadd(list, Date.now() + 60_000, subject));
    await serve(named("again"));
    await eventually(pendingKeys, { timeout: 10_000 }).toEqual([key]);
    await eventually(() => ofMasterWith((admin) => admin.zcard(list))).toBe(1);
  }, 60_000);

  it("tell each other again what Redis has lost", async () => {
    const [one, other] = await Promise.all([serve(named("tells")), serve(named("knows"))]);
    const before = await usedBy(other.port, "started")();
    await upstream.emulator.faults.goDown();
    await report(one.port, "started", 2);
    await eventually(usedBy(other.port, "started")).toBe(before + 2);
    const keys = await pendingKeys();
    await flush();
    await eventually(pendingKeys, { timeout: 10_000 }).toEqual(keys);
  }, 60_000);

  it("are found without a look at all keys of Redis", async () => {
    for (const { admin } of redis.masters) {
      const { length: scans } = (await admin.info("commandstats")).match(/^cmdstat_scan:/gm) ?? [];
      expect(scans).toBe(0);
    }
  });
});
