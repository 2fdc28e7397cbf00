import { describe, expect, it } from "@jest/globals";
import { startRedis } from "../../builders/redis-servers.js";
import { TcpProxy } from "../../builders/tcp-proxy.js";
import { eventually } from "../../support/expectations.js";
import { connection, following, kept, KEYS, PREFIX, writeAll } from "./redis-following.js";
import { RecordingInvalidations } from "./redis-under-test.js";

describe("one server tells", () => {
  it("of every write to keys that begin so, whoever writes, in order, and of no other", async () => {
    const server = await kept(startRedis());
    const { redis, received } = await following(server);
    await server.admin.set("env:other", "value");
    for (const key of KEYS) await server.admin.set(key, "value");
    await received.until(KEYS.at(-1)!);
    expect(received.received).toEqual(["coherent", ...KEYS]);
    await writeAll(redis);
    await received.until(`${KEYS.at(-1)!}#timestamp`);
    expect(new Set(received.received.slice(1 + KEYS.length))).toEqual(
      new Set(KEYS.flatMap((key) => [key, `${key}#timestamp`])),
    );
  });

  it("of what is removed, renamed, run out, evicted or flushed", async () => {
    const server = await kept(startRedis());
    const { received } = await following(server);
    const one = async (key: string, act: () => Promise<unknown>) => {
      await server.admin.set(PREFIX + key, "value");
      await received.until(PREFIX + key);
      await act();
      await received.until(PREFIX + key, 2);
    };
    await one("removed", () => server.admin.del(`${PREFIX}removed`));
    await one("renamed", () => server.admin.rename(`${PREFIX}renamed`, "elsewhere"));
    await one("run out", () => server.admin.pexpire(`${PREFIX}run out`, 1));
    await server.admin.flushdb();
    await received.until("all");
    await one("evicted", async () => {
      await server.admin.config("SET", "maxmemory-policy", "allkeys-random");
      await server.admin.config("SET", "maxmemory", "1");
      await server.admin.set("another", "value").catch(() => undefined);
    });
  });

  it("that writes were missed, before it tells of any that come after", async () => {
    const server = await kept(startRedis());
    const proxy = await kept(TcpProxy.to(server));
    const { received } = await following(proxy);
    for (let cut = 1; cut <= 5; cut++) {
      proxy.cut();
      await received.until("incoherent", cut);
      await server.admin.set(`${PREFIX}missed, or told twice`, cut);
      await received.until("coherent", cut + 1);
      await server.admin.set(`${PREFIX}${cut}`, "value");
      await received.until(`${PREFIX}${cut}`);
    }
    const states = received.received.filter((what) => !what.startsWith(PREFIX));
    expect(states).toEqual(["coherent", ...Array.from({ length: 5 }, () => ["incoherent", "coherent"]).flat()]);
  });

  it("that nothing is told any more, also where the network hangs without a word", async () => {
    const server = await kept(startRedis());
    const proxy = await kept(TcpProxy.to(server));
    const { redis, received } = await following(proxy, {}, { pingIntervalMs: 100 });
    proxy.hang();
    await received.until("incoherent");
    expect(redis.logger.lines.at(-1)).toMatchObject({
      level: "warn",
      fields: { reason: expect.stringContaining("not even the answer to a ping") },
    });
    proxy.heal();
    await received.until("coherent", 2);
  });

  it("as a user who may do no more than what is needed", async () => {
    const server = await kept(startRedis({ password: "admin" }));
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
    const { received } = await following(server, { username: "sidecar", password: "secret" });
    await server.admin.set(KEYS[0]!, "value");
    await received.until(KEYS[0]!);
  });

  it("nothing to a user who may not be notified, who is warned once, and reads and writes all the same", async () => {
    const server = await kept(startRedis());
    await server.admin.acl("SETUSER", "sidecar", "on", ">secret", "~*", "&*", "+@all", "-client|tracking");
    const redis = connection(server, { username: "sidecar", password: "secret" });
    const invalidations = redis.invalidations(PREFIX);
    const received = new RecordingInvalidations();
    invalidations.start(received);
    await redis.logger.until("refuses to notify of writes");
    await eventually(() => redis.telemetry.redisClientErrors).toBeGreaterThan(2);
    expect(redis.logger.count("refuses to notify of writes")).toBe(1);
    await writeAll(redis);
    expect(await redis.commands.read(KEYS.slice(0, 1))).toEqual(["{}"]);
    await server.admin.acl("SETUSER", "sidecar", "+client|tracking");
    await received.until("coherent");
    await invalidations.stop();
    expect(received.received).toEqual(["coherent"]);
  });

  it("nothing at all once it is stopped", async () => {
    const server = await kept(startRedis());
    const { redis } = await following(server);
    const invalidations = redis.invalidations(PREFIX);
    const received = new RecordingInvalidations();
    invalidations.start(received);
    await received.until("coherent");
    await invalidations.stop();
    await server.admin.set(KEYS[0]!, "value");
    await eventually(async () => await server.admin.client("LIST")).not.toMatch(/(cmd=subscribe[^]*){2}/);
    expect(received.received).toEqual(["coherent"]);
  });
});
