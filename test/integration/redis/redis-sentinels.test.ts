import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { RedisTarget } from "../../../src/adapters/cache/redis-client/link/redis-target.js";
import { type SentinelSet, startSentinelSet } from "../../builders/redis-sentinels.js";
import { TcpProxy } from "../../builders/tcp-proxy.js";
import { eventually } from "../../support/expectations.js";
import { connection, following, kept, KEYS, PREFIX, writeAll } from "./redis-following.js";

const ACCESS = { password: "secret" };

let set: SentinelSet;
let target: RedisTarget;

beforeAll(async () => {
  set = await startSentinelSet({ server: ACCESS });
  target = { kind: "sentinels", sentinels: set.addresses, name: set.name, db: 0 };
});

afterAll(() => set.stop());

describe("the master that Sentinels know", () => {
  it("is found by whichever Sentinel is there", async () => {
    const gone = await kept(TcpProxy.to(set.sentinels[0]!));
    gone.refuse();
    const { redis } = await following(
      { kind: "sentinels", sentinels: [gone, set.addresses[1]!], name: set.name, db: 0 },
      ACCESS,
    );
    await redis.commands.ping();
  });

  it("is no connection without its Sentinels, and says so once", async () => {
    const gone = await kept(TcpProxy.to(set.sentinels[0]!));
    gone.refuse();
    const redis = connection({ kind: "sentinels", sentinels: [gone], name: set.name, db: 0 }, ACCESS);
    await eventually(() => redis.telemetry.redisClientErrors).toBeGreaterThan(2);
    expect(redis.logger.lines).toMatchObject([
      { level: "warn", fields: { reason: expect.stringContaining("All sentinels are unreachable") } },
    ]);
    gone.heal();
    await redis.connected();
  });

  it("is left as soon as it refuses a write as a replica does", async () => {
    const { redis } = await following(target, ACCESS);
    const master = await set.master();
    const lost = redis.disconnected();
    await master.admin.replicaof(master.host, set.servers.find((server) => server !== master)!.port);
    await expect(writeAll(redis)).rejects.toMatchObject({ code: "failed-precondition" });
    await lost;
    await master.admin.replicaof("NO", "ONE");
    await redis.connected();
    await writeAll(redis);
  });

  it("is followed when it changes places with a replica, and lives", async () => {
    const { redis, received } = await following(target, ACCESS);
    const master = await set.switchOver();
    await received.until("coherent", 2);
    await eventually(
      () =>
        writeAll(redis).then(
          () => "written",
          () => "refused",
        ),
      { timeout: 10_000 },
    ).toBe("written");
    expect(await master.admin.get(KEYS[0]!)).toBe("{}");
  });

  it("is followed by commands and by changes when it is gone", async () => {
    const { redis, received } = await following(target, ACCESS);
    await writeAll(redis);
    expect(await (await set.master()).admin.wait(1, 5_000)).toBe(1);
    const lost = redis.disconnected();
    const master = await set.failOver();
    await lost;
    await received.until("coherent", 2);
    await redis.connected();
    expect(received.count("incoherent")).toBe(1);
    expect(await redis.commands.read(KEYS)).toEqual(KEYS.map(() => "{}"));
    await master.admin.set(`${PREFIX}after`, "value");
    await received.until(`${PREFIX}after`);
    await writeAll(redis);
  });
});
