import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import type { RedisTarget } from "../../../src/adapters/cache/redis-client/link/redis-target.js";
import { startCluster } from "../../builders/redis-cluster.js";
import { type RedisServer, startRedis } from "../../builders/redis-servers.js";
import { type RedisUnderTest, redisUnderTest } from "./redis-under-test.js";

interface Place {
  readonly target: RedisTarget;
  readonly servers: readonly RedisServer[];
  stop(): Promise<void>;
}

const PLACES: readonly (readonly [name: string, open: () => Promise<Place>])[] = [
  [
    "one server",
    async () => {
      const server = await startRedis();
      return {
        target: { kind: "server", host: server.host, port: server.port, db: 0 },
        servers: [server],
        stop: () => server.stop(),
      };
    },
  ],
  [
    "a Cluster",
    async () => {
      const cluster = await startCluster();
      return {
        target: { kind: "cluster", nodes: cluster.nodes },
        servers: cluster.masters,
        stop: () => cluster.stop(),
      };
    },
  ],
];

/** A value as this project writes it: its timestamp is in it, for where nothing else can decide. */
const valueOf = (text: string, updatedAt: number | undefined) =>
  JSON.stringify({ sidecar: { updatedAt: updatedAt ?? null }, text });
const write = (key: string, text: string, updatedAt: number | undefined) => ({
  key,
  value: valueOf(text, updatedAt),
  updatedAt,
});
const TOMORROW = Date.now() + 82_800_000;
const NEXT_YEAR = Date.now() + 365 * 86_400_000;
const WRITTEN = { outcome: "written" };
const NOT_CACHED = { outcome: "not-cached" };

describe.each(PLACES)("newest wins, on %s", (_, open) => {
  let place: Place;
  let redis: RedisUnderTest;
  let another: RedisUnderTest;
  let forEver: RedisUnderTest;

  beforeAll(async () => {
    place = await open();
    redis = redisUnderTest(place.target);
    another = redisUnderTest(place.target);
    forEver = redisUnderTest(place.target, { keysTtlSecs: -1 });
    await Promise.all([redis, another, forEver].map((connection) => connection.connected()));
  });

  beforeEach(() => Promise.all(place.servers.map((server) => server.admin.flushall())));

  afterAll(async () => {
    for (const connection of [redis, another, forEver]) connection.close();
    await place.stop();
  });

  const stored = async (key: string) => redis.commands.read([key, `${key}#timestamp`]);
  const ttlOf = async (key: string) =>
    Math.max(...(await Promise.all(place.servers.map((server) => server.admin.pttl(key).catch(() => -2)))));

  it.each<[what: string, before: number | undefined, incoming: number | undefined, wins: boolean]>([
    ["nothing is stored", undefined, 5, true],
    ["older is stored", 4, 5, true],
    ["the same timestamp is stored", 5, 5, true],
    ["newer is stored", 6, 5, false],
    ["newer is stored, and the write has no timestamp", 6, undefined, true],
    ["newer is stored, and the write is of 0", 6, 0, true],
    ["0 is stored", 0, 5, true],
    ["newer is stored, up to a day ahead", TOMORROW, 5, false],
    ["what is stored is from a year to come", NEXT_YEAR, 5, true],
    ["fractions decide", 5.25, 5.5, true],
    ["fractions decide against it", 5.5, 5.25, false],
  ])("where %s", async (_, before, incoming, wins) => {
    if (before !== undefined) await redis.commands.writeNewest([{ writes: [write("key", "before", before)] }]);
    const outcomes = await redis.commands.writeNewest([{ writes: [write("key", "after", incoming)] }]);
    if (wins) {
      expect(outcomes).toEqual([[WRITTEN]]);
      const [value, timestamp] = await stored("key");
      expect(value).toBe(valueOf("after", incoming));
      if (incoming === undefined) expect(Math.abs(Number(timestamp) - Date.now())).toBeLessThan(60_000);
      else expect(timestamp).toBe(String(incoming));
    } else {
      expect(outcomes).toEqual([[{ outcome: "older", stored: valueOf("before", before), storedAt: before }]]);
      expect(await stored("key")).toEqual([valueOf("before", before), String(before)]);
    }
  });

  it.each([
    ["newer", "6", { outcome: "older", stored: "theirs", storedAt: 6 }],
    ["older", "4", WRITTEN],
    ["of a year to come", String(NEXT_YEAR), WRITTEN],
    ["no number", "NaN", WRITTEN],
    ["empty", "", WRITTEN],
  ])("another client's value has its timestamp key alone: %s", async (_, timestamp, outcome) => {
    await Promise.all(place.servers.map((server) => server.admin.set("key", "theirs").catch(() => undefined)));
    await Promise.all(
      place.servers.map((server) => server.admin.set("key#timestamp", timestamp).catch(() => undefined)),
    );
    expect(await redis.commands.writeNewest([{ writes: [write("key", "ours", 5)] }])).toEqual([[outcome]]);
  });

  it("writes where a timestamp is left of a value that is gone", async () => {
    await redis.commands.writeNewest([{ writes: [write("key", "before", 9)] }]);
    await redis.commands.delete(["key"]);
    expect(await redis.commands.writeNewest([{ writes: [write("key", "after", 5)] }])).toEqual([[WRITTEN]]);
    expect((await stored("key"))[0]).toBe(valueOf("after", 5));
  });

  it("writes a group only beside a key that is there, and each of its writes by itself", async () => {
    await redis.commands.writeNewest([{ writes: [write("state", "", 5), write("usage", "newer", 9)] }]);
    const outcomes = await redis.commands.writeNewest([
      { writes: [write("stray", "", 5)], onlyIfExists: "not there#timestamp" },
      { writes: [write("usage", "older", 8), write("another usage", "new", 1)], onlyIfExists: "state#timestamp" },
      { writes: [] },
      { writes: [write("free", "", 5)] },
    ]);
    expect(outcomes).toEqual([
      [NOT_CACHED],
      [expect.objectContaining({ outcome: "older", storedAt: 9 }), WRITTEN],
      [],
      [WRITTEN],
    ]);
    expect(await redis.commands.read(["stray", "stray#timestamp"])).toEqual([null, null]);
  });

  it.each([
    { stored: 9, than: 8, outcome: "withheld" },
    { stored: 8, than: 8, outcome: "written" },
    { stored: undefined, than: 8, outcome: "written" },
    { stored: NEXT_YEAR, than: 8, outcome: "written" },
  ])("withholds a group without timestamps from what is later than it may be: $outcome for $stored", async (each) => {
    if (each.stored !== undefined)
      await redis.commands.writeNewest([{ writes: [write("state", "before", each.stored)] }]);
    const outcomes = await redis.commands.writeNewest([
      { writes: [write("other", "before", 1)] },
      {
        writes: [write("state", "after", 0), write("metadata", "after", 0)],
        unlessLater: { key: "state#timestamp", than: each.than },
      },
      { writes: [write("other", "after", 2)] },
    ]);
    const { outcome } = each;
    expect(outcomes).toEqual([[WRITTEN], [{ outcome }, { outcome }], [WRITTEN]]);
    const left = outcome === "written" ? valueOf("after", 0) : null;
    expect(await redis.commands.read(["metadata", "other"])).toEqual([left, valueOf("after", 2)]);
  });

  it("never lets a group without timestamps take the place of what came in between", async () => {
    // Both at once, many times: whichever is first, what has a timestamp is there in the end.
    for (let round = 0; round < 50; round++) {
      await Promise.all([
        redis.commands.writeNewest([
          { writes: [write(`state ${round}`, "empty", 0)], unlessLater: { key: `state ${round}#timestamp`, than: 8 } },
        ]),
        another.commands.writeNewest([{ writes: [write(`state ${round}`, "newer", 9)] }]),
      ]);
      expect((await stored(`state ${round}`))[0]).toBe(valueOf("newer", 9));
    }
  });

  it("gives both keys their time to live, or none", async () => {
    await redis.commands.writeNewest([{ writes: [write("key", "", 5)] }]);
    await forEver.commands.writeNewest([{ writes: [write("for ever", "", 5)] }]);
    for (const key of ["key", "key#timestamp"]) {
      expect(await ttlOf(key)).toBeGreaterThan(50_000);
      expect(await ttlOf(key)).toBeLessThanOrEqual(60_000);
    }
    for (const key of ["for ever", "for ever#timestamp"]) expect(await ttlOf(key)).toBe(-1);
  });

  it("writes more than any script takes", async () => {
    const writes = (text: string, updatedAt: number) =>
      Array.from({ length: 200 }, (_, index) => write(`key ${index}`, text, updatedAt));
    await redis.commands.writeNewest([{ writes: writes("before", 5).filter((_, index) => index % 3 === 0) }]);
    const outcomes = await redis.commands.writeNewest([
      { writes: writes("after", 4) },
      { writes: [write("last", "", 1)] },
    ]);
    expect(outcomes[0]?.map(({ outcome }) => outcome)).toEqual(
      writes("", 0).map((_, index) => (index % 3 === 0 ? "older" : "written")),
    );
    expect(outcomes[1]).toEqual([WRITTEN]);
  });

  it("leaves the newest of what several write at once, with its own timestamp, and tells each who was beaten", async () => {
    const times = fc.array(fc.tuple(fc.constantFrom("a", "b", "c:r_d"), fc.integer({ min: 1, max: 50 })), {
      minLength: 2,
      maxLength: 60,
    });
    await fc.assert(
      fc.asyncProperty(times, async (all) => {
        await Promise.all(place.servers.map((server) => server.admin.flushall()));
        const writers = [redis, another, forEver];
        await Promise.all(
          all.map(async ([key, updatedAt], index) => {
            const [[outcome] = []] = await writers[index % writers.length]!.commands.writeNewest([
              { writes: [write(key, "", updatedAt)] },
            ]);
            if (outcome?.outcome === "older") expect(outcome.storedAt).toBeGreaterThan(updatedAt);
            else expect(outcome).toEqual(WRITTEN);
          }),
        );
        for (const key of new Set(all.map(([key]) => key))) {
          const newest = Math.max(...all.filter((one) => one[0] === key).map(([, updatedAt]) => updatedAt));
          expect(await stored(key)).toEqual([valueOf("", newest), String(newest)]);
        }
      }),
      { numRuns: 40 },
    );
  });
});
