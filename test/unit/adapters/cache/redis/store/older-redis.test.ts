import { describe, expect, it } from "@jest/globals";
import { MemoryCache } from "../../../../../../src/adapters/cache/memory/memory-cache.js";
import { RedisCacheStore } from "../../../../../../src/adapters/cache/redis/store/redis-cache-store.js";
import type { RedisCommands } from "../../../../../../src/adapters/cache/redis/store/redis-commands.js";
import { LoadState } from "../../../../../../src/application/load/load-state.js";
import { buildCustomerState } from "../../../../../../src/domain/build-customer-state.js";
import type { CustomerState } from "../../../../../../src/domain/customer-state.js";
import { CodedError } from "../../../../../../src/domain/errors.js";
import { newTelemetry } from "../../../../../../src/ports/telemetry.js";
import { metered } from "../../../../../builders/states.js";
import { InMemoryUpstream } from "../../../../../fakes/in-memory-upstream.js";
import { ManualClock } from "../../../../../fakes/manual-clock.js";
import { RecordingLogger } from "../../../../../fakes/recording-logger.js";
import { RedisKeysModel } from "../../../../../model/redis-keys-model.js";
import { eventually } from "../../../../../support/expectations.js";

const ACME = { customerId: "acme" };
const clock = new ManualClock();

const fetched = (usageLimit: number, updatedAt: number) => ({
  state: buildCustomerState({ features: [metered({ usageLimit })], updatedAt }),
  verifiedAt: updatedAt,
  recheckAt: Infinity,
  isVerified: true,
});
const limitIn = (state: CustomerState | undefined) => state?.feature("seats")?.usageLimit;

/** Commands whose Redis can be put in another's place, as by a fail-over. */
function replaceable() {
  const another = () =>
    new RedisKeysModel(
      () => clock.now(),
      () => undefined,
    );
  const at = { redis: another() };
  const commands: RedisCommands = {
    isSlow: false,
    isOverloaded: false,
    read: (keys) => at.redis.read(keys),
    readLate: (keys) => at.redis.readLate(keys),
    writeNewest: (groups) => at.redis.writeNewest(groups),
    delete: (keys) => at.redis.delete(keys),
    lock: (key, token) => at.redis.lock(key, token),
    lockAndLook: (...of) => at.redis.lockAndLook(...of),
    unlock: (key, token) => at.redis.unlock(key, token),
    publish: () => at.redis.publish(),
  };
  return { commands, at, another };
}

function storeOn(commands: RedisCommands, logger = new RecordingLogger()): RedisCacheStore {
  const near = new MemoryCache(1024 * 1024, newTelemetry());
  return new RedisCacheStore({
    near,
    commands,
    environment: "production",
    clock,
    logger,
    commandTimeoutMs: 1_000,
    ttlMs: 60_000,
  });
}

describe("a state of a process whose clock is wrong", () => {
  it.each([
    ["an hour ahead is of nobody knows when", 3_600_000, 0],
    ["a little ahead is of when that says", 1_000, clock.now() + 1_000],
  ])("%s", async (_, aheadMs, verifiedAt) => {
    const { commands } = replaceable();
    await storeOn(commands).put(ACME, { ...fetched(10, 100), verifiedAt: clock.now() + aheadMs });
    expect(await storeOn(commands).load(ACME)).toMatchObject({ verifiedAt, state: {} });
  });
});

describe("what upstream answers while Redis is away", () => {
  it("is no older than what this process has known", async () => {
    const { commands } = replaceable();
    let isAway = false;
    const reach = <R>(command: () => Promise<R>): Promise<R> =>
      isAway ? Promise.reject(new CodedError("unavailable", "Redis is away")) : command();
    const store = storeOn({
      ...commands,
      read: (keys) => reach(() => commands.read(keys)),
      readLate: (keys, isUrgent) => reach(() => commands.readLate(keys, isUrgent)),
      writeNewest: (groups) => reach(() => commands.writeNewest(groups)),
    });
    store.coherence.coherent();
    await store.put(ACME, fetched(0, 200));
    isAway = true;
    store.coherence.incoherent();
    const upstream = new InMemoryUpstream();
    upstream.set(ACME, { features: [metered({ usageLimit: 10 })], updatedAt: 100 });
    const load = new LoadState(store, upstream, clock, { fetchTimeoutMs: 1_000, recheckAfterMs: 30_000 });
    expect(limitIn((await load.refresh(ACME, true))?.state)).toBe(0);
  });
});

describe("a Redis that comes back with older data than it had confirmed", () => {
  it("is written what is known to be newer, and nobody reads the older", async () => {
    const { commands, at, another } = replaceable();
    const logger = new RecordingLogger();
    const store = storeOn(commands, logger);
    const newcomer = () => storeOn(commands).load(ACME);
    store.coherence.coherent();
    await store.put(ACME, fetched(10, 100));
    const older = another();
    at.redis = older;
    await storeOn(commands).put(ACME, fetched(10, 100));
    at.redis = another();
    await store.put(ACME, fetched(0, 200));
    at.redis = older;
    expect(limitIn((await newcomer())?.state)).toBe(10);

    store.coherence.incoherent();
    store.coherence.coherent();
    await logger.until("Redis has come back with older data");
    await eventually(async () => limitIn((await newcomer())?.state)).toBe(0);
  });

  it("is left alone where it has what it confirmed", async () => {
    const { commands } = replaceable();
    const logger = new RecordingLogger();
    const store = storeOn(commands, logger);
    store.coherence.coherent();
    await store.put(ACME, fetched(10, 100));
    store.coherence.incoherent();
    store.coherence.coherent();
    expect(limitIn((await store.load(ACME))?.state)).toBe(10);
    expect(logger.lines.filter(({ message }) => message.includes("older data"))).toEqual([]);
  });
});
