import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { timestampKey } from "../../../src/adapters/cache/redis/store/redis-keys.js";
import { type RedisServer, startRedis } from "../../builders/redis-servers.js";
import { type RedisUnderTest, redisUnderTest } from "./redis-under-test.js";

const KEY = "env:c_acme";
const write = (value: string, updatedAt: number | undefined, key = KEY) => ({ key, value, updatedAt });

let server: RedisServer;
const opened: RedisUnderTest[] = [];

beforeEach(async () => {
  server = await startRedis();
});
afterEach(async () => {
  for (const redis of opened.splice(0)) redis.close();
  await server.stop();
});

async function asUser(...rules: readonly string[]): Promise<RedisUnderTest> {
  await server.admin.acl("SETUSER", "sidecar", "on", ">secret", "~*", "&*", "+@all", ...rules);
  const redis = redisUnderTest(server, { username: "sidecar", password: "secret" });
  opened.push(redis);
  await redis.connected();
  return redis;
}

const warnings = ({ logger }: RedisUnderTest) =>
  logger.lines.filter(({ level }) => level === "warn").map(({ message }) => message);

/** What a user may lack and write all the same. */
const WRITERS: readonly (readonly [lacks: string, rules: readonly string[]])[] = [
  ["the scripting category", ["-@scripting"]],
  ["EVALSHA and EVAL", ["-eval", "-evalsha"]],
  ["EVAL alone", ["-eval"]],
  ["scripts and transactions", ["-@scripting", "-@transaction"]],
];

describe.each(WRITERS)("a user without %s", (_, rules) => {
  it("writes, and the newest wins", async () => {
    const { commands } = await asUser(...rules);
    const written = async (updatedAt: number | undefined, value: string) =>
      (await commands.writeNewest([{ writes: [write(value, updatedAt)] }]))[0]?.[0]?.outcome;
    expect(await written(5, "five")).toBe("written");
    expect(await written(4, "four")).toBe("older");
    expect(await written(5, "five again")).toBe("written");
    expect(await written(6, "six")).toBe("written");
    expect(await commands.read([KEY, timestampKey(KEY)])).toEqual(["six", "6"]);
    expect(await written(0, "without a timestamp")).toBe("written");
    expect(await commands.read([KEY, timestampKey(KEY)])).toEqual(["without a timestamp", "0"]);
    expect(await server.admin.pttl(KEY)).toBeGreaterThan(0);
  });

  it("writes nothing where the key is not there that has to be", async () => {
    const { commands } = await asUser(...rules);
    const group = { writes: [write("5", 5, `${KEY}:f_m`)], onlyIfExists: timestampKey(KEY) };
    expect(await commands.writeNewest([group])).toEqual([[{ outcome: "not-cached" }]]);
    expect(await server.admin.dbsize()).toBe(0);
  });

  it("writes over what is from a year to come", async () => {
    const { commands } = await asUser(...rules);
    const toCome = Date.now() + 365 * 86_400_000;
    await commands.writeNewest([{ writes: [write("theirs", toCome)] }]);
    expect(await commands.writeNewest([{ writes: [write("ours", 5)] }])).toEqual([[{ outcome: "written" }]]);
    expect(await commands.read([KEY, timestampKey(KEY)])).toEqual(["ours", "5"]);
  });

  it("writes nothing where what is stored is later than it may be", async () => {
    const { commands } = await asUser(...rules);
    await commands.writeNewest([{ writes: [write("9", 9)] }]);
    const group = (than: number) => ({ writes: [write("0", 0)], unlessLater: { key: timestampKey(KEY), than } });
    expect(await commands.writeNewest([group(8)])).toEqual([[{ outcome: "withheld" }]]);
    expect(await server.admin.get(KEY)).toBe("9");
    expect(await commands.writeNewest([group(9)])).toEqual([[{ outcome: "written" }]]);
    expect(await server.admin.get(KEY)).toBe("0");
  });

  it("takes and gives back locks that are its own", async () => {
    const { commands } = await asUser(...rules);
    expect(await commands.lock("env:lock", "mine", 60_000)).toBe(true);
    await commands.unlock("env:lock", "another's");
    expect(await server.admin.get("env:lock")).toBe("mine");
    await commands.unlock("env:lock", "mine");
    expect(await server.admin.get("env:lock")).toBeNull();
  });

  it("is told so once, with what it costs", async () => {
    const redis = await asUser(...rules);
    for (let i = 1; i <= 5; i++) await redis.commands.writeNewest([{ writes: [write("value", i)] }]);
    expect(warnings(redis)).toEqual([expect.stringMatching(/^Redis forbids scripts .* one write at a time/)]);
  });
});

it("a user who may not read takes a lock all the same, and does not know what is there", async () => {
  const { commands } = await asUser("-mget");
  expect(await commands.lockAndLook("env:lock", "mine", 60_000, KEY)).toBe("taken-and-maybe-there");
});

it("of two writers without scripts that race for one key, the newest wins", async () => {
  const [one, other] = [await asUser("-@scripting"), await asUser("-@scripting")];
  const writes = Array.from({ length: 40 }, (_, index) => {
    const { commands } = index % 2 === 0 ? one : other;
    return commands.writeNewest([{ writes: [write(String(index), index + 1)] }]).catch(() => undefined);
  });
  await Promise.all(writes);
  const [value, timestamp] = await one.commands.read([KEY, timestampKey(KEY)]);
  expect(Number(timestamp)).toBe(Number(value) + 1);
});

/** What a user may lack so that it can only read. */
const READERS: readonly (readonly [lacks: string, rules: readonly string[]])[] = [
  ["all writes", ["-@write"]],
  ["all writes and scripts", ["-@write", "-@scripting"]],
  ["SET", ["-set", "-@scripting"]],
];

describe.each(READERS)("a user without %s", (_, rules) => {
  it("reads, is refused writes, and is told so once", async () => {
    await server.admin.set(KEY, "value");
    const redis = await asUser(...rules);
    for (let i = 1; i <= 3; i++) {
      expect(await redis.commands.read([KEY])).toEqual(["value"]);
      await expect(redis.commands.writeNewest([{ writes: [write("other", i)] }])).rejects.toMatchObject({
        name: "CodedError",
      });
    }
    expect(await server.admin.get(KEY)).toBe("value");
    expect(warnings(redis).filter((message) => message.startsWith("Redis refuses writes"))).toHaveLength(1);
  });

  it("writes once it is allowed to", async () => {
    const redis = await asUser(...rules);
    await expect(redis.commands.writeNewest([{ writes: [write("other", 1)] }])).rejects.toMatchObject({
      name: "CodedError",
    });
    await server.admin.acl("SETUSER", "sidecar", "+@all");
    expect(await redis.commands.writeNewest([{ writes: [write("other", 1)] }])).toEqual([[{ outcome: "written" }]]);
    expect(redis.logger.lines.at(-1)).toMatchObject({ level: "warn", message: "Redis accepts writes again" });
  });
});

describe("a user who may not read", () => {
  it("is told so once, and when it may", async () => {
    const redis = await asUser("-mget");
    for (let i = 1; i <= 3; i++)
      await expect(redis.commands.read([KEY])).rejects.toMatchObject({ code: "unavailable" });
    expect(redis.logger.lines.filter(({ level }) => level === "warn")).toEqual([
      {
        level: "warn",
        message: "Redis refuses reads: what it has is not used, and upstream is asked instead",
        fields: expect.objectContaining({
          reason: expect.stringMatching(/lacks a permission .*'mget'/) as unknown,
        }) as unknown,
      },
    ]);
    await server.admin.acl("SETUSER", "sidecar", "+@all");
    expect(await redis.commands.read([KEY])).toEqual([null]);
    expect(redis.logger.lines.at(-1)).toMatchObject({ level: "warn", message: "Redis accepts reads again" });
  });
});
