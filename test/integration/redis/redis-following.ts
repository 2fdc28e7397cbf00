import { afterEach } from "@jest/globals";
import { RecordingInvalidations, type RedisUnderTest, redisUnderTest } from "./redis-under-test.js";

/** What every tracked key begins with. */
export const PREFIX = "env:c_";

export interface Following {
  readonly redis: RedisUnderTest;
  readonly received: RecordingInvalidations;
}

let stopping: (() => unknown)[] = [];

afterEach(async () => {
  for (const stop of stopping.reverse()) await stop();
  stopping = [];
});

/** What the test that starts it need not stop. */
export async function kept<T extends { stop(): unknown }>(starting: Promise<T>): Promise<T> {
  const started = await starting;
  stopping.push(() => started.stop());
  return started;
}

export function connection(...args: Parameters<typeof redisUnderTest>): RedisUnderTest {
  const redis = redisUnderTest(...args);
  stopping.push(() => redis.close());
  return redis;
}

/** A connection and what Redis tells it, once it is told of everything. */
export async function following(...args: Parameters<typeof redisUnderTest>): Promise<Following> {
  const redis = connection(...args);
  const invalidations = redis.invalidations(PREFIX);
  const received = new RecordingInvalidations();
  stopping.push(() => invalidations.stop());
  invalidations.start(received);
  await received.until("coherent");
  await redis.connected();
  return { redis, received };
}

export const KEYS = Array.from({ length: 300 }, (_, index) => `${PREFIX}customer, ${index} ü`);

/** Writes every one of the keys, and their timestamps. */
export async function writeAll({ commands }: RedisUnderTest): Promise<void> {
  await commands.writeNewest(KEYS.map((key) => ({ writes: [{ key, value: "{}", updatedAt: undefined }] })));
}
