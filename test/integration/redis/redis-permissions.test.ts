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

it("a user who may not read takes a lock all the same, does not know what is there, and is not said to be refused writes", async () => {
  const redis = await asUser("-mget");
  expect(await redis.commands.lockAndLook("env:lock", "mine", 60_000, KEY)).toBe("taken-and-maybe-there");
  expect(warnings(redis)).toEqual([expect.stringMatching(/^Redis refuses reads/)]);
});

/** What one kind of writes lacks, which another that is accepted does not end; and what ends it. */
const PARTLY_REFUSED: readonly (readonly [what: string, refuse: readonly string[], allow: readonly string[]])[] = [
  ["a command within a script", ["ACL", "SETUSER", "sidecar", "-get"], ["ACL", "SETUSER", "sidecar", "+@all"]],
  ["room", ["CONFIG", "SET", "maxmemory", "1"], ["CONFIG", "SET", "maxmemory", "0"]],
];

it.each(PARTLY_REFUSED)(
  "who lacks %s is told so once, however many other writes are accepted",
  async (_, refuse, allow) => {
    const redis = await asUser();
    const tried = async (updatedAt: number) => {
      await redis.commands.writeNewest([{ writes: [write("value", updatedAt)] }]).catch(() => undefined);
      await redis.commands.unlock("env:lock", "mine").catch(() => undefined);
      await redis.commands.delete(["env:other"]);
    };
    await server.admin.call(refuse[0] ?? "", ...refuse.slice(1));
    for (let i = 1; i <= 5; i++) await tried(i);
    expect(warnings(redis)).toEqual(["Redis refuses writes; what it has is still read"]);
    await server.admin.call(allow[0] ?? "", ...allow.slice(1));
    for (let i = 1; i <= 5; i++) await tried(i);
    expect(warnings(redis).slice(1)).toEqual(["Redis accepts writes again"]);
  },
);

/** What is done without for a user who may not run a command that neither reads nor writes states. */
const DONE_WITHOUT: Readonly<Record<string, (redis: RedisUnderTest) => Promise<unknown>>> = {
  publish: ({ commands }) => commands.publish("channel", "message"),
  zscan: async ({ commands }) => {
    for await (const members of commands.listed("env:list", 10)) expect(members).toEqual([]);
  },
  scan: async ({ commands }) => {
    for await (const keys of commands.scan("env:", 10)) expect(keys).toEqual([]);
  },
};

it.each(Object.keys(DONE_WITHOUT))("a user without %s is told so once, and when it may", async (command) => {
  const redis = await asUser(`-${command}`);
  const tried = () => DONE_WITHOUT[command]?.(redis).catch(() => undefined);
  for (let i = 1; i <= 3; i++) await tried();
  expect(redis.logger.lines.filter(({ level }) => level === "warn")).toEqual([
    {
      level: "warn",
      message: "Redis forbids a command to this user: what needs it is done without, or later",
      fields: expect.objectContaining({ reason: expect.stringContaining(`'${command}'`) as unknown }) as unknown,
    },
  ]);
  await server.admin.acl("SETUSER", "sidecar", "+@all");
  for (let i = 1; i <= 3; i++) await tried();
  expect(warnings(redis).slice(1)).toEqual(["Redis allows all commands again"]);
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
