import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { entitlementsUpdated, T0, usageUpdated } from "../../builders/change-messages.js";
import type { TestQueue } from "../../builders/queue-server.js";
import { PersistentCacheWorld } from "./persistent-cache-under-test.js";

const CUSTOMERS = ["a", "b", "a:r_b"];
/** The one that is cached before, which UPDATE_IF_EXISTS goes by. */
const CACHED = "a";

/** Few enough that messages meet at one point in time now and then. */
const MAX_AT = 50;

interface Reported {
  readonly kind: "set" | "usage";
  readonly customer: number;
  readonly at: number;
}

const received: fc.Arbitrary<Reported> = fc.record({
  kind: fc.constantFrom("set" as const, "usage" as const),
  customer: fc.nat({ max: CUSTOMERS.length - 1 }),
  at: fc.nat({ max: MAX_AT }),
});

/** What is said of a time is always the same: else it would be for the last one to say. */
function bodyOf({ kind, customer, at }: Reported): string {
  const usageAt = (at * 7) % MAX_AT;
  const customerId = CUSTOMERS[customer]!;
  return kind === "set"
    ? entitlementsUpdated({
        customerId,
        updatedAt: T0 + at,
        usageLimit: at,
        currentUsage: usageAt,
        usageUpdatedAt: T0 + usageAt,
        timestamp: T0 + at,
      })
    : usageUpdated({ customerId, currentUsage: usageAt, usageUpdatedAt: T0 + usageAt });
}

/** Two orders of the same messages, with some of them twice. */
const twoOrders = fc.array(received, { minLength: 1, maxLength: 12 }).chain((messages) => {
  const indices = messages.map((_, index) => index);
  const order = fc
    .tuple(
      fc.shuffledSubarray(indices, { minLength: indices.length }),
      fc.array(fc.constantFrom(...indices), { maxLength: 4 }),
    )
    .map(([once, twice]) => [...once, ...twice].map((index) => messages[index]!));
  return fc.tuple(order, order);
});

describe.each(["UPSERT", "UPDATE_IF_EXISTS"] as const)("with the policy %s", (policy) => {
  let world: PersistentCacheWorld;
  let queue: TestQueue;

  beforeAll(async () => {
    world = await PersistentCacheWorld.start();
    queue = world.queue();
    // Several consumers, so that the queue's order is not the order of arrival either.
    await world.service(queue, { CACHE_UPDATE_POLICY: policy, BATCH_SIZE: "3", KEYS_TTL_IN_SECS: "-1" });
  });
  afterAll(() => world.stop());

  const outcomeOf = async (messages: readonly Reported[], seed: Readonly<Record<string, string>>) => {
    await world.redis.admin.flushall();
    if (Object.keys(seed).length > 0) await world.redis.admin.mset(seed);
    await queue.send(...messages.map(bodyOf));
    await queue.drained();
    return world.everything();
  };

  it("any order and any repetition of some messages ends in the same Redis", async () => {
    const seed: Record<string, string> =
      policy === "UPSERT" ? {} : { [`test:c_${CACHED}`]: "{}", [`test:c_${CACHED}#timestamp`]: "0" };
    await fc.assert(
      fc.asyncProperty(twoOrders, async ([first, second]) => {
        expect(await outcomeOf(second, seed)).toEqual(await outcomeOf(first, seed));
      }),
      { numRuns: 25, seed: 20260301 },
    );
  });
});
