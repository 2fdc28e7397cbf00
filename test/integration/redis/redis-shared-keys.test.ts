import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import {
  hasAmbiguousKeys,
  metadataKey,
  stateKey,
  subjectsOfKey,
  timestampKey,
  usageKey,
} from "../../../src/adapters/cache/redis/store/redis-keys.js";
import { RedisSharedCache } from "../../../src/adapters/cache/redis/store/redis-shared-cache.js";
import { SystemClock } from "../../../src/adapters/ops/system-clock.js";
import type { CustomerState } from "../../../src/domain/customer-state.js";
import { sameSubject, type Subject } from "../../../src/domain/subject.js";
import type { FetchedState } from "../../../src/ports/cache-store.js";
import { type RedisServer, startRedis } from "../../builders/redis-servers.js";
import { RedisStore } from "../../builders/redis-store.js";
import { emptyState, metered, stateWith } from "../../builders/states.js";
import { HeldCommands } from "../../fakes/held-commands.js";

const T = Date.UTC(2026, 2, 10);
const withLimit = (usageLimit: number, updatedAt = T, featureId = "m"): CustomerState =>
  stateWith([metered({ id: featureId, usageLimit, usage: { currentUsage: usageLimit, updatedAt } })], { updatedAt });
const fetched = (state: CustomerState): FetchedState => ({
  state,
  verifiedAt: T,
  recheckAt: Infinity,
  isVerified: true,
});
const limitOf = (known: { readonly state: CustomerState } | undefined, featureId = "m") =>
  known?.state.feature(featureId)?.usageLimit;

/** Keys of a subject with one metered feature. */
const keysOf = (subject: Subject, featureId = "m") => {
  const values = [
    stateKey("e", subject),
    metadataKey("e", subject),
    usageKey("e", subject, { type: "feature", id: featureId }),
  ];
  return [...values, ...values.map(timestampKey)];
};
const shareKeys = (one: Subject, other: Subject) => keysOf(one).some((key) => keysOf(other).includes(key));

/** Two subjects that have a key in common, each of which is the other's in another way of reading it. */
const PAIRS: readonly (readonly [string, Subject, Subject])[] = [
  ["a resource, and a customer named like it", { customerId: "x", resourceId: "y" }, { customerId: "x:r_y" }],
  ["two resources", { customerId: "x", resourceId: "y:r_z" }, { customerId: "x:r_y", resourceId: "z" }],
  ["a usage, and a customer", { customerId: "x" }, { customerId: "x:f_m" }],
  ["a resource's usage, and a customer", { customerId: "x", resourceId: "y" }, { customerId: "x:r_y:f_m" }],
  ["metadata, and a customer", { customerId: "x" }, { customerId: "x:metadata" }],
  ["a timestamp, and a customer", { customerId: "x" }, { customerId: "x#timestamp" }],
  ["a timestamp of a usage, and a customer", { customerId: "x" }, { customerId: "x:f_m#timestamp" }],
  ["a timestamp of metadata, and a customer", { customerId: "x" }, { customerId: "x:metadata#timestamp" }],
  ["ids of other scripts", { customerId: "客", resourceId: "é#" }, { customerId: "客:r_é#" }],
];

let server: RedisServer;
let environment: string;
let tests = 0;
const opened: RedisStore[] = [];

beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(() => {
  environment = `shared-${tests++}`;
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((redis) => redis.close()));
});

async function openStore() {
  let commands!: HeldCommands;
  const redis = new RedisStore({
    target: { kind: "server", host: server.host, port: server.port, db: 0 },
    environment,
    commands: (real) => (commands = new HeldCommands(real)),
  });
  opened.push(redis);
  await redis.ready();
  return { store: redis.store, redis, commands };
}

/** As the published client writes it: nothing says whose it is. */
async function putByVendor(subject: Subject, values: object, resourceId?: string): Promise<void> {
  const key = stateKey(environment, subject);
  const state = {
    m: {
      calculatedEntitlement: {
        type: "FEATURE",
        feature: { id: "m", featureType: "BOOLEAN" },
        enumValues: [],
        resourceId,
        ...values,
      },
    },
  };
  await server.admin.mset(key, JSON.stringify(state), timestampKey(key), String(T));
}

describe("two subjects that share a key", () => {
  it("are pairs of which at least one has ids that contain what joins ids", () => {
    const awkward = fc
      .array(
        fc.constantFrom("a", "b", ":", ":r_", ":f_", ":credit_", ":metadata", "#timestamp", "r_", "c_", "m", "ü"),
        { maxLength: 5 },
      )
      .map((parts) => parts.join(""));
    fc.assert(
      fc.property(awkward, awkward, fc.boolean(), (customerId, resourceId, isResource) => {
        const subject: Subject = isResource ? { customerId, resourceId } : { customerId };
        for (const key of keysOf(subject)) {
          for (const other of subjectsOfKey("e", key)) {
            if (sameSubject(subject, other) || !shareKeys(subject, other)) continue;
            expect(hasAmbiguousKeys(subject) || hasAmbiguousKeys(other)).toBe(true);
          }
        }
      }),
      { numRuns: 1_000 },
    );
  });

  describe.each(PAIRS)("%s", (_, one, other) => {
    it.each([
      ["in this order", one, other],
      ["in the other", other, one],
    ])("never share, %s", async (__, first, second) => {
      expect(shareKeys(one, other)).toBe(true);
      const [here, elsewhere] = [await openStore(), await openStore()];
      for (const [index, subject] of [first, second].entries()) {
        expect(limitOf(await here.store.put(subject, fetched(withLimit(index + 1))))).toBe(index + 1);
      }
      for (const { store } of [here, elsewhere]) {
        for (const [index, subject] of [first, second].entries()) {
          const known = await store.load(subject).catch(() => undefined);
          if (known !== undefined) expect(limitOf(known)).toBe(index + 1);
        }
      }
    });

    it("do not displace each other for ever: after a round or two, one of them writes no more", async () => {
      const here = await openStore();
      const elsewhere = await openStore();
      let writes = 0;
      for (let round = 0; round < 6; round++) {
        const before = await contentOf(server);
        for (const [index, subject] of [one, other].entries()) {
          for (const { store } of [here, elsewhere]) {
            // What a check does: it reads, and fetches where there is nothing.
            if ((await store.load(subject))?.isVerified === true) continue;
            await store.put(subject, fetched(withLimit(index + 1)));
          }
        }
        if ((await contentOf(server)) !== before) writes = round + 1;
      }
      expect(writes).toBeLessThanOrEqual(2);
    });

    it("the one without a place in Redis is cached here, whatever is written for the other", async () => {
      const here = await openStore();
      await here.store.put(one, fetched(withLimit(1)));
      await here.store.put(other, fetched(withLimit(2)));
      const apart = [one, other].find((subject) => hasAmbiguousKeys(subject)) as Subject;
      const theOther = apart === one ? other : one;
      if (hasAmbiguousKeys(theOther)) return;
      const limit = apart === one ? 1 : 2;
      await here.store.load(theOther);
      await here.store.load(apart).catch(() => undefined);
      await here.store.put(apart, fetched(withLimit(limit)));
      const received = here.redis.notifiedOf(stateKey(environment, theOther));
      await here.store.put(theOther, fetched(withLimit(7, T + 1)));
      await received;
      expect(limitOf(here.store.peek(apart.customerId, apart.resourceId))).toBe(limit);
    });

    it("what the persistent-cache service hears of one does not touch the other", async () => {
      const here = await openStore();
      await here.store.put(one, fetched(withLimit(1)));
      const shared = new RedisSharedCache(here.redis.connection.commands, environment, new SystemClock());
      const yields = hasAmbiguousKeys(other) ? other : one;
      if (yields !== other) return;
      const before = await contentOf(server);
      await shared.write([
        {
          change: { type: "entitlements-updated", subject: other, state: withLimit(9, T + 5) },
          at: T + 5,
          onlyIfCached: false,
        },
        {
          change: { type: "entitlements-updated", subject: other, state: emptyState("CustomerIsArchived") },
          at: T + 6,
          onlyIfCached: false,
        },
        {
          change: {
            type: "usage-updated",
            subject: other,
            entitlement: { type: "feature", id: "m" },
            usage: { currentUsage: 9, updatedAt: T + 7 },
          },
          at: T + 7,
          onlyIfCached: false,
        },
      ]);
      await shared.purge(other);
      await here.store.forget(other);
      expect(await contentOf(server)).toBe(before);
    });
  });
});

describe("what a published client wrote without saying whose it is", () => {
  it.each<[who: string, Subject, resourceId: string | undefined, isBelieved: boolean]>([
    ["a customer", { customerId: "x" }, undefined, true],
    ["a customer, though a resource is named", { customerId: "x" }, "y", false],
    ["a resource that is named", { customerId: "x", resourceId: "y" }, "y", true],
    ["a resource that is not named", { customerId: "x", resourceId: "y" }, undefined, false],
    ["a resource, though another is named", { customerId: "x", resourceId: "y" }, "z", false],
    ["a customer named like a resource", { customerId: "x:r_y" }, undefined, false],
    ["a customer named like a usage", { customerId: "x:f_m" }, undefined, false],
    ["a customer with other marks", { customerId: "c_x:r:y_#ü" }, undefined, true],
  ])("is believed of %s: $3", async (_, subject, resourceId, isBelieved) => {
    const here = await openStore();
    await putByVendor({ customerId: subject.customerId }, {});
    await putByVendor(subject, {}, resourceId);
    expect((await here.store.load(subject))?.isVerified === true).toBe(isBelieved);
  });

  it("stays as it is where it is not believed, and the subject that it may not be of is cached here alone", async () => {
    const here = await openStore();
    const subject = { customerId: "x:r_y" };
    await putByVendor({ customerId: "x" }, {});
    await putByVendor({ customerId: "x", resourceId: "y" }, {});
    const before = await contentOf(server);
    expect(await here.store.load(subject)).toBeUndefined();
    expect(limitOf(await here.store.put(subject, fetched(withLimit(4))))).toBe(4);
    expect(limitOf(here.store.peek("x:r_y", undefined))).toBe(4);
    expect(await contentOf(server)).toBe(before);
  });
});

/** All that Redis holds of the environment. */
async function contentOf({ admin }: RedisServer): Promise<string> {
  const keys = (await admin.keys(`${environment}:c_*`)).sort();
  return JSON.stringify(keys.length === 0 ? [] : [keys, await admin.mget(keys)]);
}
