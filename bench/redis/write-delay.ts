import { performance } from "node:perf_hooks";
import { encodeState } from "../../src/adapters/cache/redis/codec/encode-state.js";
import { stateKey } from "../../src/adapters/cache/redis/store/redis-keys.js";
import type { RedisTarget } from "../../src/adapters/cache/redis-client/link/redis-target.js";
import type { CustomerState } from "../../src/domain/customer-state.js";
import type { Subject } from "../../src/domain/subject.js";
import { RedisStore } from "../../test/builders/redis-store.js";
import { metered, stateWith } from "../../test/builders/states.js";
import { Latencies } from "../upstream/latencies.js";

const SIDECARS = 4;
const WRITES = 5_000;
const WARM_UP = 500;
const CUSTOMERS = 100;

export interface WriteDelays {
  /** From the write to the writer's reply. */
  readonly written: Latencies;
  /** From the write until a sidecar no longer answers from what it had cached. */
  readonly invalidated: Latencies;
  /** From the write until a sidecar answers from what was written. */
  readonly answered: Latencies;
}

/**
 * One write after the other; four sidecars, each with what was cached before.
 *
 * @param usages how many metered features a state has: each is two keys more to write, to tell of and to read
 */
export async function measureWriteDelays(target: RedisTarget, usages: number): Promise<WriteDelays> {
  const environment = `figures-${usages}`;
  const writer = new RedisStore({ target, environment });
  const sidecars = Array.from({ length: SIDECARS }, () => new RedisStore({ target, environment }));
  await Promise.all([writer, ...sidecars].map((redis) => redis.ready()));
  const delays = { written: new Latencies(), invalidated: new Latencies(), answered: new Latencies() };
  for (let timestamp = 1; timestamp <= WARM_UP + WRITES; timestamp++) {
    await writeOnce(writer, sidecars, stateAt(timestamp, usages), timestamp, timestamp > WARM_UP ? delays : undefined);
  }
  await Promise.all([writer, ...sidecars].map((redis) => redis.close()));
  return delays;
}

async function writeOnce(
  writer: RedisStore,
  sidecars: readonly RedisStore[],
  state: CustomerState,
  timestamp: number,
  delays: WriteDelays | undefined,
): Promise<void> {
  const subject: Subject = { customerId: `customer-${timestamp % CUSTOMERS}` };
  await Promise.all(sidecars.map(({ store }) => store.load(subject)));
  const { environment } = writer;
  const group = encodeState(environment, subject, state, {
    verifiedAt: timestamp,
    recheckAt: Infinity,
    isVerified: true,
  });
  const begunAt = performance.now();
  const followed = sidecars.map(async (redis) => {
    await redis.notifiedOf(stateKey(environment, subject));
    delays?.invalidated.add(performance.now() - begunAt);
    await redis.store.load(subject);
    delays?.answered.add(performance.now() - begunAt);
  });
  await writer.connection.commands.writeNewest([group]);
  delays?.written.add(performance.now() - begunAt);
  await Promise.all(followed);
}

function stateAt(timestamp: number, usages: number): CustomerState {
  const features = Array.from({ length: usages }, (_, index) =>
    metered({ id: `feature-${index}`, usage: { currentUsage: index, updatedAt: timestamp } }),
  );
  return stateWith(features, { updatedAt: timestamp });
}
