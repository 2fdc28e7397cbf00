import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { slotOfKey } from "../../../src/adapters/cache/redis-client/cluster/cluster-topology.js";
import type { RedisTarget } from "../../../src/adapters/cache/redis-client/link/redis-target.js";
import { type RedisCluster, startCluster } from "../../builders/redis-cluster.js";
import { type RedisServer, startRedis } from "../../builders/redis-servers.js";
import { eventually } from "../../support/expectations.js";
import { connection, following, kept, KEYS, PREFIX, writeAll } from "./redis-following.js";

const ACCESS = { password: "secret" };

let cluster: RedisCluster;
let target: RedisTarget;

beforeAll(async () => {
  cluster = await startCluster({ replicasOfEach: 1, server: ACCESS });
  target = { kind: "cluster", nodes: cluster.nodes.slice(0, 1) };
});

beforeEach(() => Promise.all(cluster.masters.map((master) => master.admin.flushall())));

afterAll(() => cluster.stop());

/** The master that has a key, and one that has not. */
async function mastersFor(key: string): Promise<{ owner: RedisServer; other: RedisServer }> {
  const owns = await Promise.all(
    cluster.masters.map((master) =>
      master.admin.get(key).then(
        () => true,
        () => false,
      ),
    ),
  );
  return { owner: cluster.masters[owns.indexOf(true)]!, other: cluster.masters[owns.indexOf(false)]! };
}

describe("a Cluster", () => {
  it("has each key where it is looked for", async () => {
    const { admin } = cluster.masters[0]!;
    const braced = fc.stringMatching(/^[{}a-c:ü€]{0,12}$/);
    await fc.assert(
      fc.asyncProperty(fc.oneof(braced, fc.string({ unit: "grapheme" })), async (key) => {
        expect(slotOfKey(key)).toBe(await admin.cluster("KEYSLOT", key));
      }),
      { numRuns: 500 },
    );
  });

  it("is waited for by the first commands", async () => {
    expect(await connection(target, ACCESS).commands.read(KEYS.slice(0, 9))).toEqual(Array(9).fill(null));
  });

  it("tells of every write on every master, and follows a slot to another one", async () => {
    const { redis, received } = await following(target, ACCESS);
    await writeAll(redis);
    for (const key of KEYS) await received.until(`${key}#timestamp`);
    for (const key of KEYS) expect(received.count(key)).toBe(1);

    const [key, otherKey] = KEYS as [string, string];
    const { owner, other } = await mastersFor(key);
    await cluster.moveSlot(slotOfKey(key), owner, other);
    expect(await redis.commands.read([key])).toEqual(["{}"]);
    await received.until("all");
    const times = received.count(key);
    await other.admin.set(key, "value");
    await received.until(key, times + 1);
    expect(await redis.commands.read([key, otherKey])).toEqual(["value", "{}"]);
  });

  it("follows a key while its slot is on the way", async () => {
    const { redis } = await following(target, ACCESS);
    const key = `${PREFIX}moving`;
    const slot = slotOfKey(key);
    const { owner, other } = await mastersFor(key);
    await other.admin.cluster("SETSLOT", slot, "IMPORTING", await owner.admin.cluster("MYID"));
    await owner.admin.cluster("SETSLOT", slot, "MIGRATING", await other.admin.cluster("MYID"));
    await redis.commands.writeNewest([{ writes: [{ key, value: "{}", updatedAt: 1 }] }]);
    expect(await redis.commands.read([key])).toEqual(["{}"]);
    expect(await other.admin.cluster("COUNTKEYSINSLOT", slot)).toBe(1);
    await cluster.moveSlot(slot, owner, other);
  });

  it("is scanned, pinged, counted, locked and published to as one", async () => {
    const { redis } = await following(target, ACCESS);
    const { commands } = redis;
    await writeAll(redis);
    const found: string[] = [];
    for await (const batch of commands.scan(PREFIX, 50)) found.push(...batch);
    expect(new Set(found)).toEqual(new Set(KEYS.flatMap((key) => [key, `${key}#timestamp`])));
    await commands.ping();
    const before = await commands.stats();
    await commands.read(KEYS);
    const after = await commands.stats();
    expect(after.keyspaceHits - before.keyspaceHits).toBe(KEYS.length);
    expect(await commands.lock("lock", "mine", 60_000)).toBe(true);
    expect(await commands.lock("lock", "yours", 60_000)).toBe(false);
    expect(await commands.lockAndLook("lock", "yours", 60_000, "lock")).toBe("of-another");
    await commands.unlock("lock", "mine");
    expect(await commands.lockAndLook("lock", "yours", 60_000, "another-slot")).toBe("taken-and-absent");
    expect(await commands.lockAndLook("second", "mine", 60_000, "lock")).toBe("taken-and-maybe-there");
    const subscriber = cluster.masters[1]!.client();
    await subscriber.subscribe("channel");
    const heard = new Promise((resolve) => subscriber.once("message", (...message) => resolve(message)));
    await commands.publish("channel", "{}");
    expect(await heard).toEqual(["channel", "{}"]);
  });

  it("says once what to do where there is none", async () => {
    const redis = connection({ kind: "cluster", nodes: [await kept(startRedis())] });
    await eventually(() => redis.telemetry.redisClientErrors).toBeGreaterThan(1);
    expect(redis.logger.lines).toMatchObject([
      { level: "warn", fields: { redis: "Cluster", reason: expect.stringContaining("set REDIS_HOST") } },
    ]);
    await expect(redis.commands.read(["key"])).rejects.toMatchObject({ code: "unavailable" });
  });

  it("says what to do where one of its nodes is taken for all of it", async () => {
    const redis = connection(cluster.masters[0]!, ACCESS);
    await redis.connected();
    const outcomes = await Promise.all(
      KEYS.map((key) =>
        redis.commands.read([key]).then(
          () => "read",
          (error: unknown) => String(error),
        ),
      ),
    );
    expect(outcomes).toContainEqual(expect.stringContaining("set REDIS_CLUSTER_NODES"));
  });

  it("says once that a part of its keys is nobody's, and when it is somebody's again", async () => {
    const redis = connection(target, ACCESS);
    await redis.connected();
    const [key] = KEYS as [string];
    const { owner } = await mastersFor(key);
    await owner.admin.cluster("DELSLOTS", slotOfKey(key));
    for (let i = 0; i < 3; i++) await expect(redis.commands.read([key])).rejects.toMatchObject({ code: "unavailable" });
    await owner.admin.cluster("ADDSLOTS", slotOfKey(key));
    await eventually(() => redis.commands.read([key]).catch(() => undefined), { timeout: 20_000 }).toEqual([null]);
    const lines = redis.logger.lines.filter(({ message }) => message.includes("reads"));
    expect(
      lines.map(({ level, message, fields }) => [level, message, String(fields?.["reason"]).slice(0, 11)]),
    ).toEqual([
      ["warn", "Redis refuses reads: what it has is not used, and upstream is asked instead", "CLUSTERDOWN"],
      ["warn", "Redis accepts reads again", "undefined"],
    ]);
  });

  it("goes on with the replica of a master that is gone", async () => {
    const { redis, received } = await following(target, ACCESS);
    await writeAll(redis);
    await Promise.all(cluster.masters.map(async (master) => expect(await master.admin.wait(1, 5_000)).toBe(1)));
    await cluster.masters[0]!.kill();
    await received.until("incoherent");
    await redis.disconnected();
    await expect(redis.commands.read(KEYS)).rejects.toMatchObject({ code: "unavailable" });
    await cluster.replicas[0]!.admin.cluster("FAILOVER", "TAKEOVER");
    await received.until("coherent", 2);
    await redis.connected();
    expect(await redis.commands.read(KEYS)).toEqual(KEYS.map(() => "{}"));
    await writeAll(redis);
    for (const key of KEYS) await received.until(key, 2);
  });
});
