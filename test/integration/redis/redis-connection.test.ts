import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { type RedisServer, type RedisServerOptions, startRedis } from "../../builders/redis-servers.js";
import { TcpProxy } from "../../builders/tcp-proxy.js";
import { eventually } from "../../support/expectations.js";
import { Certificates } from "../listener/certificates.js";
import { type RedisUnderTest, redisUnderTest } from "./redis-under-test.js";

const UNAVAILABLE = { name: "CodedError", code: "unavailable" };
const REFUSED_WRITE = { name: "CodedError", code: "failed-precondition" };

const LOST = "there is no connection to Redis";
const write = (key: string, value = "value", updatedAt: number | undefined = 1) => [
  { writes: [{ key, value, updatedAt }] },
];

let stopping: (() => unknown)[] = [];

afterEach(async () => {
  for (const stop of stopping.reverse()) await stop();
  stopping = [];
});

async function serverWith(options: RedisServerOptions = {}): Promise<RedisServer> {
  const server = await startRedis(options);
  stopping.push(() => server.stop());
  return server;
}

function connectionTo(...args: Parameters<typeof redisUnderTest>): RedisUnderTest {
  const redis = redisUnderTest(...args);
  stopping.push(() => redis.close());
  return redis;
}

describe("getting in", () => {
  it("gives a password", async () => {
    const server = await serverWith({ password: "secret" });
    const redis = connectionTo(server, { password: "secret" });
    await redis.connected();
    await redis.commands.ping();
  });

  it("gives a password that nobody asked for", async () => {
    const redis = connectionTo(await serverWith(), { password: "secret" });
    await redis.connected();
    await redis.commands.ping();
  });

  it("goes in as a user who may do no more than what is needed", async () => {
    const server = await serverWith();
    await server.admin.acl(
      "SETUSER",
      "sidecar",
      "on",
      ">secret",
      "~env*",
      "&*",
      "+@all",
      "-@admin",
      "-@dangerous",
      "+info",
    );
    const redis = connectionTo(server, { username: "sidecar", password: "secret" });
    await redis.connected();
    await redis.commands.writeNewest(write("env:c_a"));
    expect(await redis.commands.read(["env:c_a"])).toEqual(["value"]);
    await expect(redis.commands.read(["other"])).rejects.toMatchObject(UNAVAILABLE);
  });

  it("keeps to its database", async () => {
    const server = await serverWith();
    const redis = connectionTo({ kind: "server", host: server.host, port: server.port, db: 3 });
    await redis.connected();
    await redis.commands.writeNewest(write("key"));
    expect(await server.client({ db: 3 }).get("key")).toBe("value");
    expect(await server.admin.get("key")).toBeNull();
  });

  it.each<[fault: string, remedy: string, server: RedisServerOptions, target: { db?: number }, access: object]>([
    ["no password", "set REDIS_PASSWORD", { password: "secret" }, {}, {}],
    [
      "the wrong password",
      "does not accept REDIS_USERNAME with REDIS_PASSWORD",
      { password: "secret" },
      {},
      { password: "guess" },
    ],
    [
      "a user who is not there",
      "does not accept REDIS_USERNAME with REDIS_PASSWORD",
      {},
      {},
      { username: "nobody", password: "guess" },
    ],
    ["a database that is not there", "set another REDIS_DB", { config: { databases: "2" } }, { db: 2 }, {}],
  ])("%s: says once what to do, and tries on", async (_, remedy, options, target, access) => {
    const server = await serverWith(options);
    const redis = connectionTo({ kind: "server", host: server.host, port: server.port, db: 0, ...target }, access);
    await redis.logger.until(LOST);
    const tries = redis.telemetry.redisClientErrors;
    await eventually(() => redis.telemetry.redisClientErrors).toBeGreaterThan(tries + 1);
    expect(redis.logger.lines).toEqual([
      { level: "warn", message: LOST, fields: { redis: server.address, reason: expect.stringContaining(remedy) } },
    ]);
    await expect(redis.commands.ping()).rejects.toMatchObject(UNAVAILABLE);
    expect(JSON.stringify(redis.logger.lines)).not.toMatch(/secret|guess/);
  });
});

describe("TLS", () => {
  const certificates = new Certificates();
  const own = certificates.selfSigned();
  const another = certificates.selfSigned();
  const tls = { certFile: own.certFile, keyFile: own.keyFile, caFile: own.certFile };

  it("trusts the authorities that it is given", async () => {
    const redis = connectionTo(await serverWith({ tls }), { tls: { caFile: own.certFile } });
    await redis.connected();
    await redis.commands.ping();
  });

  it.each([
    ["the authorities are others", { caFile: another.certFile }],
    ["only the well-known authorities are trusted", {}],
  ])("does not talk to a server when %s, and says what to do", async (_, given) => {
    const redis = connectionTo(await serverWith({ tls }), { tls: given });
    await redis.logger.until(LOST);
    expect(redis.logger.lines[0]?.fields).toMatchObject({ reason: expect.stringContaining("set REDIS_TLS_CA_FILE") });
    expect(redis.commands.isConnected).toBe(false);
  });

  it("trusts other authorities from when it is given them, as after a change of their file", async () => {
    const redis = connectionTo(await serverWith({ tls }), { tls: { caFile: another.certFile } });
    await redis.logger.until(LOST);
    redis.useSecrets({ ca: own.cert });
    await redis.connected();
    await redis.commands.ping();
  });

  it("names a file of authorities that cannot be read", async () => {
    const server = await serverWith();
    expect(() => redisUnderTest(server, { tls: { caFile: "/nowhere.pem" } })).toThrow(
      /authorities .* cannot be read from \/nowhere.pem/,
    );
  });
});

describe("a connection that fails", () => {
  let server: RedisServer;
  let proxy: TcpProxy;

  beforeEach(async () => {
    server = await serverWith();
    proxy = await TcpProxy.to(server);
    stopping.push(() => proxy.stop());
  });

  it("refuses commands at once while there is none, and comes back by itself", async () => {
    proxy.refuse();
    const redis = connectionTo(proxy);
    await redis.logger.until(LOST);
    await expect(redis.commands.read(["key"])).rejects.toMatchObject({
      ...UNAVAILABLE,
      message: expect.stringContaining("there is no connection"),
    });
    proxy.heal();
    await redis.connected();
    await redis.commands.ping();
    expect(redis.logger.lines.map(({ level, message }) => [level, message])).toEqual([
      ["warn", LOST],
      ["warn", "connected to Redis"],
    ]);
  });

  it("is waited for while the first attempt to have one is under way, within the time limit", async () => {
    expect(await connectionTo(proxy).commands.read(["key"])).toEqual([null]);
    proxy.hang();
    const redis = connectionTo(proxy, { commandTimeoutMs: 20 });
    await expect(redis.commands.read(["key"])).rejects.toMatchObject({
      ...UNAVAILABLE,
      message: expect.stringContaining("there is no connection"),
    });
    expect(redis.logger.lines).toEqual([]);
  });

  it("fails what is in flight when it is cut, at once and not after its time limit", async () => {
    const redis = connectionTo(proxy, { commandTimeoutMs: 3_600_000 }, { pingIntervalMs: 3_600_000 });
    await redis.connected();
    proxy.hang();
    const reading = redis.commands.read(["key"]);
    proxy.cut();
    await expect(reading).rejects.toMatchObject({ ...UNAVAILABLE, message: expect.stringContaining("was lost") });
  });

  it("is found out when it hangs, and replaced, with all that waited for it", async () => {
    const redis = connectionTo(proxy, { commandTimeoutMs: 3_600_000 }, { pingIntervalMs: 50, silenceLimitMs: 100 });
    await redis.connected();
    proxy.hang();
    const reading = redis.commands.read(["key"]).then(
      () => "answered",
      (error: unknown) => error,
    );
    await redis.disconnected();
    expect(await Promise.race([reading, turnsOfTheLoop(5)])).toMatchObject(UNAVAILABLE);
    await expect(redis.commands.read(["key"])).rejects.toMatchObject(UNAVAILABLE);
    expect(redis.logger.lines.at(-1)?.fields).toMatchObject({
      reason: expect.stringContaining("not even the answer to a ping"),
    });
    proxy.heal();
    await redis.connected();
    await redis.commands.ping();
  });

  it("gives up a server that takes connections and answers nothing", async () => {
    proxy.hang();
    const redis = connectionTo(proxy, {}, { connectTimeoutMs: 50 });
    await redis.logger.until(LOST);
    expect(redis.logger.lines[0]?.fields).toMatchObject({ reason: "no connection within 50 ms" });
    proxy.heal();
    await redis.connected();
  });

  it("survives a restart that left nothing, the scripts included", async () => {
    const redis = connectionTo(server);
    await redis.connected();
    await redis.commands.writeNewest(write("key", "before", 9));
    const lost = redis.disconnected();
    await server.restartEmpty();
    await lost;
    await redis.connected();
    expect(await redis.commands.read(["key"])).toEqual([null]);
    expect(await redis.commands.writeNewest(write("key", "after", 1))).toEqual([[{ outcome: "written" }]]);
  });

  it("is no longer asked once it is slow, until it is not", async () => {
    const redis = connectionTo(proxy, { commandTimeoutMs: 250 }, { pingIntervalMs: 3_600_000 });
    await redis.connected();
    proxy.delay(600);
    await expect(redis.commands.read(["key"])).rejects.toMatchObject({
      ...UNAVAILABLE,
      message: "Redis did not answer in time",
    });
    await redis.disconnected();
    expect(redis.commands).toMatchObject({ isConnected: false, isSlow: true });
    await expect(redis.commands.read(["key"])).rejects.toMatchObject({
      ...UNAVAILABLE,
      message: expect.stringContaining("not asked for now"),
    });
    proxy.heal();
    await redis.connected();
    expect(await redis.commands.read(["key"])).toEqual([null]);
    expect(proxy.accepted).toBe(1);
    expect(redis.logger.lines.map(({ message }) => message)).toEqual([
      "connected to Redis",
      "Redis does not answer in time: upstream is asked beside it, and nothing is written to it for now",
      "Redis answers in time again",
    ]);
  });

  it("is asked again after it was slow also by a user who may not ping", async () => {
    await server.admin.acl("SETUSER", "sidecar", "on", ">secret", "~*", "&*", "+@all", "-ping");
    const access = { username: "sidecar", password: "secret" };
    const redis = connectionTo(proxy, { commandTimeoutMs: 250, ...access }, { pingIntervalMs: 3_600_000 });
    await redis.connected();
    proxy.delay(600);
    await expect(redis.commands.read(["key"])).rejects.toMatchObject(UNAVAILABLE);
    await redis.disconnected();
    proxy.heal();
    await redis.connected();
    expect(await redis.commands.read(["key"])).toEqual([null]);
  });

  it("keeps only so many commands waiting for their answers", async () => {
    const redis = connectionTo(proxy, { commandTimeoutMs: 3_600_000 }, { pingIntervalMs: 3_600_000 });
    await redis.connected();
    proxy.hang();
    const outcomes = Array.from({ length: 10_001 }, () =>
      redis.commands.read(["key"]).then(
        () => "answered",
        (error: unknown) => String(error),
      ),
    );
    expect(await Promise.race(outcomes)).toMatch(/10000 commands to answer: no more are sent/);
    proxy.heal();
    expect((await Promise.all(outcomes)).filter((outcome) => outcome === "answered")).toHaveLength(10_000);
    await redis.commands.ping();
  });

  it("ends what waits when it is closed, and comes back no more", async () => {
    const redis = connectionTo(proxy, { commandTimeoutMs: 3_600_000 });
    await redis.connected();
    proxy.hang();
    const reading = redis.commands.read(["key"]);
    redis.close();
    await expect(reading).rejects.toMatchObject(UNAVAILABLE);
    proxy.heal();
    await eventually(() => proxy.connections).toBe(0);
    expect(redis.logger.count(LOST)).toBe(0);
  });
});

describe("a server that refuses writes", () => {
  it("is read from while it is a replica", async () => {
    const master = await serverWith();
    const replica = await serverWith({ replicaOf: master });
    await master.admin.set("key", "value");
    // A replica's first copy of its master takes as long as it takes.
    await eventually(() => replica.admin.get("key"), { timeout: 20_000 }).toBe("value");
    const redis = connectionTo(replica);
    await redis.connected();
    await expect(redis.commands.writeNewest(write("key"))).rejects.toMatchObject(REFUSED_WRITE);
    await expect(redis.commands.lock("lock", "token", 1_000)).rejects.toMatchObject(REFUSED_WRITE);
    await expect(redis.commands.delete(["key"])).rejects.toMatchObject(REFUSED_WRITE);
    expect(await redis.commands.read(["key"])).toEqual(["value"]);
    await replica.admin.replicaof("NO", "ONE");
    await redis.commands.writeNewest(write("key"));
    expect(redis.logger.lines.map(({ level, message }) => [level, message])).toEqual([
      ["info", "connected to Redis"],
      ["warn", "Redis refuses writes; what it has is still read"],
      ["warn", "Redis accepts writes again"],
    ]);
  });

  it("is read from while it is out of memory", async () => {
    const server = await serverWith();
    const redis = connectionTo(server);
    await redis.connected();
    await redis.commands.writeNewest(write("key"));
    await server.admin.config("SET", "maxmemory", "1");
    await expect(redis.commands.writeNewest(write("other"))).rejects.toMatchObject(REFUSED_WRITE);
    expect(await redis.commands.read(["key", "other"])).toEqual(["value", null]);
    await server.admin.config("SET", "maxmemory", "0");
    await redis.commands.writeNewest(write("other"));
  });

  it("is read from while it must not write without replicas", async () => {
    const server = await serverWith({ config: { "min-replicas-to-write": "1" } });
    const redis = connectionTo(server);
    await redis.connected();
    await expect(redis.commands.writeNewest(write("key"))).rejects.toMatchObject(REFUSED_WRITE);
    expect(await redis.commands.read(["key"])).toEqual([null]);
  });
});

it("a server that runs a script for long is asked again once that has ended, and both are logged", async () => {
  const server = await serverWith({ config: { "lua-time-limit": "600" } });
  const redis = connectionTo(server, { commandTimeoutMs: 250 }, { pingIntervalMs: 3_600_000 });
  await redis.connected();
  const killer = server.client();
  await killer.ping();
  const script = server.admin.eval("while true do end", 0).catch(() => undefined);
  const isAnswered = () => redis.commands.read(["key"]).then(Array.isArray, () => false);
  while (await isAnswered());
  await redis.disconnected();
  // It says now and then that it is busy, and so answers.
  await redis.connected();
  await expect(redis.commands.read(["key"])).rejects.toMatchObject({ message: expect.stringContaining("BUSY") });
  await killer.script("KILL");
  await script;
  expect(await redis.commands.read(["key"])).toEqual([null]);
  expect(redis.logger.lines.map(({ message }) => message)).toEqual([
    "connected to Redis",
    expect.stringContaining("Redis does not answer in time"),
    "Redis answers in time again",
    expect.stringContaining("Redis refuses reads"),
    "Redis accepts reads again",
  ]);
});

it("fails without a word of what was sent", async () => {
  const server = await serverWith();
  await server.admin.lpush("key", "a list, and no value");
  const redis = connectionTo(server);
  await redis.connected();
  const failure: unknown = await redis.commands.lock("key", "a secret token", -1).catch((error: unknown) => error);
  expect(failure).toMatchObject(UNAVAILABLE);
  expect(inspect(failure, { depth: null })).not.toContain("a secret token");
});

describe("the other commands", () => {
  let redis: RedisUnderTest;
  let server: RedisServer;

  beforeEach(async () => {
    server = await serverWith();
    redis = connectionTo(server);
    await redis.connected();
  });

  it("lock for one at a time, and unlock one's own alone", async () => {
    const { commands } = redis;
    expect(await commands.lock("lock", "mine", 60_000)).toBe(true);
    expect(await commands.lock("lock", "yours", 60_000)).toBe(false);
    await commands.unlock("lock", "yours");
    expect(await commands.lock("lock", "yours", 60_000)).toBe(false);
    await commands.unlock("lock", "mine");
    expect(await commands.lock("lock", "yours", 60_000)).toBe(true);
    expect(await server.admin.pttl("lock")).toBeGreaterThan(50_000);
  });

  it("lock and look, in this order, for what is there by then", async () => {
    const { commands } = redis;
    const look = (token: string, lookFor: string) => commands.lockAndLook("turn", token, 60_000, lookFor);
    expect(await look("mine", "there-is-none")).toBe("taken-and-absent");
    expect(await look("yours", "there-is-none")).toBe("of-another");
    await commands.unlock("turn", "mine");
    expect(await look("mine", "turn")).toBe("taken-and-maybe-there");
  });

  it("publish", async () => {
    const subscriber = server.client();
    await subscriber.subscribe("channel");
    const heard = new Promise((resolve) => subscriber.once("message", (...message) => resolve(message)));
    await redis.commands.publish("channel", "{}");
    expect(await heard).toEqual(["channel", "{}"]);
  });

  it("delete, also nothing", async () => {
    await server.admin.mset("a", 1, "b", 2, "c", 3);
    await redis.commands.delete(["a", "c", "d"]);
    await redis.commands.delete([]);
    expect(await redis.commands.read(["a", "b", "c"])).toEqual([null, "2", null]);
    expect(await redis.commands.read([])).toEqual([]);
  });

  it("scan for a prefix as it is written, in batches", async () => {
    const unusual = String.raw`e*n[v]?\:`;
    const keys = Array.from({ length: 2_500 }, (_, index) => `${unusual}c_${index}`);
    await server.admin.mset([...keys, "ex", "en:c_1", "e*nv?:c_1"].flatMap((key) => [key, "value"]));
    const found: string[] = [];
    for await (const batch of redis.commands.scan(unusual, 100)) {
      expect(batch.length).toBeLessThan(300);
      found.push(...batch);
    }
    expect(new Set(found)).toEqual(new Set(keys));
  });

  it("tell what Redis counts", async () => {
    await server.admin.set("there", "value");
    await redis.commands.read(["there", "not there", "nor this"]);
    expect(await redis.commands.stats()).toMatchObject({ keyspaceHits: 1, keyspaceMisses: 2 });
    expect((await redis.commands.stats()).usedMemoryBytes).toBeGreaterThan(500_000);
  });
});

async function turnsOfTheLoop(turns: number): Promise<string> {
  for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate);
  return `nothing within ${turns} turns`;
}
