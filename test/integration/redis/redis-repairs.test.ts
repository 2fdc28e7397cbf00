import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { stateKey, timestampKey } from "../../../src/adapters/cache/redis/store/redis-keys.js";
import type { SubjectChange } from "../../../src/domain/change.js";
import type { CustomerState } from "../../../src/domain/customer-state.js";
import { CodedError } from "../../../src/domain/errors.js";
import type { Subject } from "../../../src/domain/subject.js";
import { freePort, type RedisServer, startRedis } from "../../builders/redis-servers.js";
import { RedisStore, type RedisStoreOptions } from "../../builders/redis-store.js";
import { emptyState, metered, stateWith } from "../../builders/states.js";
import { eventually } from "../../support/expectations.js";

const T = Date.UTC(2026, 2, 10);
const ACME: Subject = { customerId: "acme" };
const SITE: Subject = { customerId: "acme", resourceId: "site" };
const ENVIRONMENT = "repairs";
const UNTIL_REPAIRED = { timeout: 20_000, interval: 10 };

const withLimit = (usageLimit: number, updatedAt = T, used = 0): CustomerState =>
  stateWith([metered({ usageLimit, usage: { currentUsage: used, updatedAt } })], { updatedAt });
const fetched = (state: CustomerState, verifiedAt = T) => ({
  state,
  verifiedAt,
  recheckAt: Infinity,
  isVerified: true,
});

let server: RedisServer;
const opened: RedisStore[] = [];

beforeEach(async () => {
  server = await startRedis({ config: { "enable-debug-command": "yes" } });
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((redis) => redis.close()));
  await server.stop();
});

/** One sidecar's store. */
async function openStore(options: Partial<RedisStoreOptions> = {}): Promise<RedisStore> {
  const redis = new RedisStore({
    target: { kind: "server", host: server.host, port: server.port, db: 0 },
    environment: ENVIRONMENT,
    ...options,
  });
  opened.push(redis);
  await redis.ready();
  return redis;
}

/** What a check would answer: of what is vouched for in memory, else of what is read. */
async function answerOf({ store }: RedisStore, subject: Subject) {
  const known =
    store.peek(subject.customerId, subject.resourceId) ?? (await store.load(subject).catch(() => undefined));
  return known === undefined
    ? undefined
    : {
        limit: known.state.feature("seats")?.usageLimit,
        used: known.state.featureUsage("seats").currentUsage,
        reason: known.state.accessDeniedReason,
      };
}

/** A change that a listener hears at T + 1,000, with what everybody has to know then. */
const CHANGES: readonly (readonly [string, SubjectChange, object | undefined])[] = [
  [
    "entitlements",
    { type: "entitlements-updated", subject: ACME, state: withLimit(0, T + 1_000) },
    { limit: 0, used: 0 },
  ],
  [
    "entitlements of a resource",
    { type: "entitlements-updated", subject: SITE, state: withLimit(0, T + 1_000) },
    { limit: 0 },
  ],
  [
    "usage",
    {
      type: "usage-updated",
      subject: ACME,
      entitlement: { type: "feature", id: "seats" },
      usage: { currentUsage: 9, updatedAt: T + 1_000 },
    },
    { limit: 5, used: 9 },
  ],
  [
    "a revocation",
    { type: "entitlements-updated", subject: ACME, state: emptyState("CustomerIsArchived") },
    { limit: undefined, reason: "CustomerIsArchived" },
  ],
  [
    "that it is to be asked for again",
    { type: "entitlements-updated", subject: ACME, state: emptyState(undefined) },
    undefined,
  ],
];

interface Outage {
  readonly name: string;
  readonly begin: () => Promise<unknown>;
  readonly end: () => Promise<unknown>;
}

/** What keeps a write from Redis, after which it has what it had before. */
const OUTAGES: readonly Outage[] = [
  {
    name: "is away and comes back with its data",
    begin: () => server.kill(),
    end: () => server.restartWithData(),
  },
  {
    name: "is read-only",
    begin: async () => server.admin.replicaof(server.host, await freePort()),
    end: () => server.admin.replicaof("NO", "ONE"),
  },
  {
    name: "is full",
    begin: () => server.admin.config("SET", "maxmemory", "1"),
    end: () => server.admin.config("SET", "maxmemory", "0"),
  },
  {
    name: "forbids writes to the user",
    begin: () => server.admin.acl("SETUSER", "default", "-@write", "-@scripting"),
    end: () => server.admin.acl("SETUSER", "default", "+@all"),
  },
];

describe.each(OUTAGES)("a change that is heard while Redis $name", ({ begin, end }) => {
  it.each(CHANGES)("(%s) is known to all once it can be written", async (_, change, right) => {
    const [listener, follower] = [await openStore(), await openStore()];
    await listener.store.put(ACME, fetched(withLimit(5)));
    await listener.store.put(SITE, fetched(withLimit(5)));
    for (const subject of [ACME, SITE]) await follower.store.load(subject);
    await server.admin.save();
    const lost = listener.notifiedOfIncoherence();
    const admin = server.client();
    await admin.ping();
    await begin();
    if (!server.isRunning) await lost;
    // A Redis that is full still removes.
    await listener.store.apply(change, T + 1_000).catch((error: unknown) => expect(error).toBeInstanceOf(CodedError));
    await end();
    await Promise.all([listener.ready(), follower.ready()]);
    const newcomer = await openStore();
    for (const redis of [listener, follower, newcomer]) {
      if (right === undefined) {
        await eventually(() => server.admin.exists(stateKey(ENVIRONMENT, ACME)), UNTIL_REPAIRED).toBe(0);
        await eventually(async () => (await redis.store.load(ACME))?.isVerified === true, UNTIL_REPAIRED).toBe(false);
      } else await eventually(() => answerOf(redis, change.subject), UNTIL_REPAIRED).toMatchObject(right);
    }
  });
});

describe("a Redis that comes back with older data than it had confirmed", () => {
  it.each(CHANGES)("(%s) is repaired by who wrote, for all", async (_, change, right) => {
    const [listener, follower] = [await openStore(), await openStore()];
    await listener.store.put(ACME, fetched(withLimit(5)));
    await listener.store.put(SITE, fetched(withLimit(5)));
    await server.admin.save();
    await listener.store.apply(change, T + 1_000);
    for (const subject of [ACME, SITE]) await follower.store.load(subject);
    const lost = listener.notifiedOfIncoherence();
    await server.restartWithData();
    await lost;
    await Promise.all([listener.ready(), follower.ready()]);
    const newcomer = await openStore();
    for (const redis of [newcomer, follower, listener]) {
      if (right === undefined)
        await eventually(() => server.admin.exists(stateKey(ENVIRONMENT, ACME)), UNTIL_REPAIRED).toBe(0);
      else await eventually(() => answerOf(redis, change.subject), UNTIL_REPAIRED).toMatchObject(right);
    }
  });

  it.each(CHANGES.slice(0, 4))(
    "(%s) is repaired by who only reads, where it has the newer in memory",
    async (_, change, right) => {
      const [listener, follower] = [await openStore(), await openStore()];
      await listener.store.put(ACME, fetched(withLimit(5)));
      await listener.store.put(SITE, fetched(withLimit(5)));
      await server.admin.save();
      await listener.store.apply(change, T + 1_000);
      await follower.store.load(change.subject);
      await listener.close();
      const lost = follower.notifiedOfIncoherence();
      await server.restartWithData();
      await lost;
      await follower.ready();
      expect(await answerOf(follower, change.subject)).toMatchObject(right ?? {});
      const newcomer = await openStore();
      await eventually(() => answerOf(newcomer, change.subject), UNTIL_REPAIRED).toMatchObject(right ?? {});
    },
  );
});

describe("of more changes than are remembered", () => {
  it("everything that Redis has is stale for all, those included that start later", async () => {
    const [listener, follower] = [await openStore({ maxRemembered: 3 }), await openStore()];
    const subjects = Array.from({ length: 6 }, (_, index) => ({ customerId: `c${index}` }));
    for (const subject of subjects) {
      await listener.store.put(subject, fetched(withLimit(5)));
      await follower.store.load(subject);
    }
    await server.admin.config("SET", "maxmemory", "1");
    for (const subject of subjects) {
      const change = { type: "entitlements-updated", subject, state: withLimit(0, T + 1_000) } as const;
      await expect(listener.store.apply(change, T + 1_000)).rejects.toMatchObject({ code: "failed-precondition" });
    }
    await server.admin.config("SET", "maxmemory", "0");
    const isRight = async ({ store }: RedisStore, subject: Subject) => {
      const known = store.peek(subject.customerId, undefined) ?? (await store.load(subject));
      // Asked for again, or known.
      return (
        (known as { isVerified?: boolean } | undefined)?.isVerified === false ||
        known?.state.feature("seats")?.usageLimit === 0
      );
    };
    await listener.logger.until(
      "more changes than are remembered could not be written to Redis: all that it has from before is stale, and is asked for again",
      1,
    );
    const newcomer = await openStore();
    for (const redis of [listener, follower, newcomer]) {
      for (const subject of subjects) await eventually(() => isRight(redis, subject), UNTIL_REPAIRED).toBe(true);
    }
  });
});

describe("what is newer in Redis", () => {
  it("is not replaced by a change that could not be written when it was heard", async () => {
    const [listener, other] = [await openStore(), await openStore()];
    await listener.store.put(ACME, fetched(withLimit(5)));
    await server.admin.config("SET", "maxmemory", "1");
    await expect(
      listener.store.apply(
        { type: "entitlements-updated", subject: ACME, state: emptyState("CustomerIsArchived") },
        T + 1_000,
      ),
    ).rejects.toMatchObject({ code: "failed-precondition" });
    await server.admin.config("SET", "maxmemory", "0");
    await other.store.apply({ type: "entitlements-updated", subject: ACME, state: withLimit(7, T + 2_000) }, T + 2_000);
    await eventually(() => answerOf(listener, ACME), UNTIL_REPAIRED).toMatchObject({ limit: 7 });
    await eventually(() => listener.store.pendingRepairs, UNTIL_REPAIRED).toBe(0);
    expect(await server.admin.get(timestampKey(stateKey(ENVIRONMENT, ACME)))).toBe(String(T + 2_000));
  });
});

describe("a Redis that refuses writes for a while", () => {
  it("is found to take them again, also where nothing is left to be written", async () => {
    const redis = await openStore();
    await server.admin.config("SET", "maxmemory", "1");
    await expect(redis.store.put(ACME, fetched(withLimit(5)))).rejects.toMatchObject({ code: "failed-precondition" });
    await redis.logger.until("Redis refuses writes");
    await server.admin.config("SET", "maxmemory", "0");
    await redis.logger.until("Redis accepts writes again");
    await eventually(() => redis.store.pendingRepairs, UNTIL_REPAIRED).toBe(0);
  });
});
