import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { recentSubjectsKey, timestampKey } from "../../../src/adapters/cache/redis/store/redis-keys.js";
import { SharedRecentSubjects } from "../../../src/adapters/cache/redis/store/shared-recent-subjects.js";
import type { Subject } from "../../../src/domain/subject.js";
import { type RedisServer, startRedis } from "../../builders/redis-servers.js";
import { RedisStore } from "../../builders/redis-store.js";
import { metered, stateWith } from "../../builders/states.js";
import { ManualClock } from "../../fakes/manual-clock.js";

const NOW = Date.UTC(2026, 2, 10);
/** A resource's state is believed only beside its customer's own. */
const SUBJECTS: readonly Subject[] = Array.from({ length: 20 }, (_, index) => ({ customerId: `c${index}` })).flatMap(
  (customer, index) => (index % 3 === 0 ? [customer, { ...customer, resourceId: "site" }] : [customer]),
);

let server: RedisServer;
let tests = 0;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

/** Two processes on one Redis that holds all subjects: one that was asked for them, and one that has just been started. */
async function twoProcesses(asked: readonly Subject[] = SUBJECTS) {
  const environment = `recent-${tests++}`;
  const target = { kind: "server" as const, host: server.host, port: server.port, db: 0 };
  const [busy, started] = [new RedisStore({ target, environment }), new RedisStore({ target, environment })];
  await Promise.all([busy.ready(), started.ready()]);
  for (const subject of asked) {
    const state = stateWith([metered()], { updatedAt: NOW });
    await busy.store.put(subject, { state, verifiedAt: NOW, recheckAt: Infinity, isVerified: true });
  }
  const clock = new ManualClock(NOW);
  const recentOf = ({ store, connection }: RedisStore) =>
    new SharedRecentSubjects({
      commands: connection.commands,
      environment,
      clock,
      recentlyUsed: (limit) => store.recentlyUsed(limit),
      load: (subject) => store.load(subject),
    });
  return {
    clock,
    busy: recentOf(busy),
    started: recentOf(started),
    read: (key = recentSubjectsKey(environment)) => busy.connection.commands.read([key, timestampKey(key)]),
    write: (value: string) =>
      busy.connection.commands.writeNewest([
        { writes: [{ key: recentSubjectsKey(environment), value, updatedAt: NOW }] },
      ]),
    held: () => SUBJECTS.filter(({ customerId, resourceId }) => started.store.peek(customerId, resourceId)).length,
    close: () => Promise.all([busy.close(), started.close()]),
  };
}

describe("a process that starts on a Redis of others", () => {
  it("has cached whom they were asked for lately, before it is asked", async () => {
    const { busy, started, held, close } = await twoProcesses();
    await busy.share();
    expect(held()).toBe(0);
    expect(await started.warm(5_000)).toBe(SUBJECTS.length);
    expect(held()).toBe(SUBJECTS.length);
    await close();
  });

  it.each(["", "{}", "[1]", '[[""]]', "no list", "[[3,4]]", "null"])(
    "starts as without a list where it is %j",
    async (value) => {
      const { started, write, held, close } = await twoProcesses();
      await write(value);
      expect(await started.warm(5_000)).toBe(0);
      expect(held()).toBe(0);
      await close();
    },
  );

  it("starts as without one where there is no time", async () => {
    const { busy, started, close } = await twoProcesses();
    await busy.share();
    expect(await started.warm(0)).toBe(0);
    await close();
  });
});

describe("the list", () => {
  it("is written again only once it is a minute old, by whomever", async () => {
    const { clock, busy, read, close } = await twoProcesses();
    await busy.share();
    const first = await read();
    clock.advance(59_000);
    await busy.share();
    expect(await read()).toEqual(first);
    clock.advance(2_000);
    await busy.share();
    expect((await read())[1]).toBe(String(NOW + 61_000));
    await close();
  });

  it("is not written by a process that was asked for a few", async () => {
    const { busy, read, close } = await twoProcesses(SUBJECTS.slice(0, 9));
    await busy.share();
    expect(await read()).toEqual([null, null]);
    await close();
  });
});
