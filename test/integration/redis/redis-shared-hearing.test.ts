import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { HearingInRedis } from "../../../src/adapters/cache/redis/coherence/shared-hearing.js";
import { heardKey, trackedPrefixes, unheardMarkerKey } from "../../../src/adapters/cache/redis/store/redis-keys.js";
import { type RedisServer, startRedis } from "../../builders/redis-servers.js";
import { ManualClock } from "../../fakes/manual-clock.js";
import { eventually } from "../../support/expectations.js";
import { type RedisUnderTest, redisUnderTest } from "./redis-under-test.js";

const ENVIRONMENT = "hearing";
const SECOND = 1_000;
/** Longer than anybody waits for a word of another's. */
const LONG = 30;
/** The most commands that one look has to wait for, one after the other. */
const COMMANDS_OF_A_LOOK = 5;
const UNTIL_KNOWN = { timeout: 20_000, interval: 5 };

let server: RedisServer;
let clock: ManualClock;
const opened: { readonly redis: RedisUnderTest; readonly stop: () => Promise<void> }[] = [];

beforeEach(async () => {
  server = await startRedis();
  clock = new ManualClock();
});
afterEach(async () => {
  for (const { stop } of opened.splice(0)) await stop();
  await server.stop();
});

/** One process's part in it, over a connection of its own. */
async function open(user?: { readonly username: string; readonly password: string }) {
  const redis = redisUnderTest(server, user);
  const onKey = new Map<string, () => void>();
  const tellAll = () => {
    for (const listener of onKey.values()) listener();
  };
  const hearing = new HearingInRedis({
    commands: redis.commands,
    environment: ENVIRONMENT,
    coherence: { onKey: (key, listener) => onKey.set(key, listener) },
    clock,
    logger: redis.logger,
    hasUnwritten: () => false,
    random: () => 0.5,
  });
  const known = { unheardBefore: -Infinity };
  hearing.follow((before) => (known.unheardBefore = before));
  const invalidations = redis.invalidations(...trackedPrefixes(ENVIRONMENT));
  let coherent: () => void;
  const listens = new Promise<void>((resolve) => (coherent = resolve));
  invalidations.start({
    coherent() {
      tellAll();
      coherent();
    },
    incoherent: tellAll,
    invalidatedAll: tellAll,
    invalidated: (key) => onKey.get(key)?.(),
  });
  opened.push({
    redis,
    async stop() {
      hearing.stop();
      await invalidations.stop();
      redis.close();
    },
  });
  await redis.connected();
  await listens;
  return Object.assign(hearing, { known, redis });
}

/** Time passes, and whatever was asked of Redis meanwhile is answered, or refused. */
async function pass(seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second++) {
    clock.advance(SECOND);
    for (let command = 0; command < COMMANDS_OF_A_LOOK; command++)
      await Promise.all(opened.map(({ redis }) => redis.commands.read(["any"]).catch(() => undefined)));
  }
}

const noted = () => server.admin.get(unheardMarkerKey(ENVIRONMENT));
const word = () => server.admin.get(heardKey(ENVIRONMENT));

describe("those who hear changes, and share a Redis", () => {
  it("note that nobody had heard before the first of them, and no more when the next one begins", async () => {
    const [first, second] = [await open(), await open()];
    first.connected();
    await pass(LONG);
    const before = await noted();
    expect(Number(before)).toBeGreaterThan(0);
    second.connected();
    await pass(LONG);
    expect(await noted()).toBe(before);
    expect(await word()).not.toBeNull();
  });

  it("do not take the word of one that has ended for one that hears", async () => {
    const [first, second] = [await open(), await open()];
    first.connected();
    await pass(LONG);
    const before = Number(await noted());
    first.stop();
    expect(await word()).not.toBeNull();
    second.connected();
    await pass(LONG);
    expect(Number(await noted())).toBeGreaterThan(before);
  });

  it("let those know who hear nothing themselves, also where these start later", async () => {
    const [follower, listener] = [await open(), await open()];
    listener.connected();
    await pass(LONG);
    const before = Number(await noted());
    await eventually(() => follower.known.unheardBefore, UNTIL_KNOWN).toBe(before);
    const later = await open();
    await eventually(() => later.known.unheardBefore, UNTIL_KNOWN).toBe(before);
  });

  it("let those know of a publication that concerns everybody", async () => {
    const [follower, listener] = [await open(), await open()];
    listener.connected();
    await pass(LONG);
    listener.allMayHaveChanged();
    await eventually(() => follower.known.unheardBefore, UNTIL_KNOWN).toBe(clock.now());
  });

  it("go on where Redis comes back empty: it has no states then that could be out of date", async () => {
    const listener = await open();
    listener.connected();
    await pass(LONG);
    await server.restartEmpty();
    await listener.redis.disconnected();
    await listener.redis.connected();
    await pass(LONG);
    expect(await word()).not.toBeNull();
    expect(await noted()).toBeNull();
  });

  it("give Redis the note of a publication once it is back, and no word before", async () => {
    const [follower, listener] = [await open(), await open()];
    listener.connected();
    await pass(LONG);
    await server.kill();
    await Promise.all([listener.redis.disconnected(), follower.redis.disconnected()]);
    listener.allMayHaveChanged();
    const published = clock.now();
    await pass(LONG);
    await server.restartEmpty();
    await Promise.all([listener.redis.connected(), follower.redis.connected()]);
    expect(await word()).toBeNull();
    await pass(LONG);
    expect(Number(await noted())).toBe(published);
    expect(await word()).not.toBeNull();
    await eventually(() => follower.known.unheardBefore, UNTIL_KNOWN).toBe(published);
  });

  it("leave it to others where they may not write there", async () => {
    await server.admin.acl("SETUSER", "reader", "on", ">secret", "~*", "&*", "+@all", "-@write", "-@scripting");
    const [reader, writer] = [await open({ username: "reader", password: "secret" }), await open()];
    reader.connected();
    reader.allMayHaveChanged();
    await pass(2 * LONG);
    expect([await noted(), await word()]).toEqual([null, null]);
    writer.connected();
    await pass(LONG);
    expect(Number(await noted())).toBeGreaterThan(0);
    await eventually(() => reader.known.unheardBefore, UNTIL_KNOWN).toBe(Number(await noted()));
  });
});
