import { describe, expect, it } from "@jest/globals";
import { MemoryCache } from "../../../../../../src/adapters/cache/memory/memory-cache.js";
import { RedisCacheStore } from "../../../../../../src/adapters/cache/redis/store/redis-cache-store.js";
import type { RedisCommands } from "../../../../../../src/adapters/cache/redis/store/redis-commands.js";
import { newTelemetry } from "../../../../../../src/ports/telemetry.js";
import { stateWith } from "../../../../../builders/states.js";
import { ManualClock } from "../../../../../fakes/manual-clock.js";
import { RecordingLogger } from "../../../../../fakes/recording-logger.js";
import { RedisKeysModel } from "../../../../../model/redis-keys-model.js";

const ACME = { customerId: "acme" };
const OTHER = { customerId: "other" };

function storeOn(redis: Pick<RedisCommands, "isSlow" | "isOverloaded">) {
  const clock = new ManualClock();
  const model = new RedisKeysModel(
    () => clock.now(),
    () => undefined,
  );
  let answer = (): void => undefined;
  const commands: RedisCommands = {
    ...redis,
    read: (keys) => model.read(keys),
    readLate: (keys) => new Promise((resolve) => (answer = () => resolve(model.readLate(keys)))),
    writeNewest: (groups) => model.writeNewest(groups),
    delete: (keys) => model.delete(keys),
    lock: (key, token) => model.lock(key, token),
    lockAndLook: (...of) => model.lockAndLook(...of),
    unlock: (key, token) => model.unlock(key, token),
    publish: () => model.publish(),
  };
  const store = new RedisCacheStore({
    near: new MemoryCache(1024 * 1024, newTelemetry()),
    commands,
    environment: "production",
    clock,
    logger: new RecordingLogger(),
    commandTimeoutMs: 1_000,
    ttlMs: 60_000,
  });
  return { store, clock, answer: () => answer() };
}

describe("a Redis of which more is asked than it can tell in time", () => {
  it("is asked for nobody else", () => {
    expect(storeOn({ isSlow: false, isOverloaded: true }).store.refuses(ACME)).toBe(true);
    expect(storeOn({ isSlow: false, isOverloaded: false }).store.refuses(ACME)).toBe(false);
  });

  it("has the answer that is under way shared by all who ask for it", () => {
    const { store } = storeOn({ isSlow: false, isOverloaded: true });
    void store.load(ACME);
    expect(store.refuses(ACME)).toBe(false);
    expect(store.refuses(OTHER)).toBe(true);
  });

  it("is waited for all the same while it is slow: upstream is asked beside it", () => {
    expect(storeOn({ isSlow: true, isOverloaded: true }).store.refuses(ACME)).toBe(false);
  });

  it("leaves what this process holds", async () => {
    const { store, clock } = storeOn({ isSlow: false, isOverloaded: true });
    const state = stateWith([]);
    await store.put(ACME, { state, verifiedAt: clock.now(), recheckAt: Infinity, isVerified: true });
    expect(store.find(ACME)).toMatchObject({ verifiedAt: clock.now() });
    expect(store.find(OTHER)).toBeUndefined();
  });
});
