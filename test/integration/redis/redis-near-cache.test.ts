import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { stateKey, timestampKey, usageKey } from "../../../src/adapters/cache/redis/store/redis-keys.js";
import type { CustomerState } from "../../../src/domain/customer-state.js";
import type { Subject } from "../../../src/domain/subject.js";
import type { FetchedState, StoredState } from "../../../src/ports/cache-store.js";
import { type RedisServer, startRedis } from "../../builders/redis-servers.js";
import { RedisStore, type RedisStoreOptions } from "../../builders/redis-store.js";
import { metered, stateWith } from "../../builders/states.js";
import { HeldCommands } from "../../fakes/held-commands.js";
import { ManualClock } from "../../fakes/manual-clock.js";
import { eventually } from "../../support/expectations.js";

const T = Date.UTC(2026, 2, 10);
const ACME: Subject = { customerId: "acme" };
const SITE: Subject = { customerId: "acme", resourceId: "site" };
const SEATS = { type: "feature", id: "seats" } as const;

const withLimit = (usageLimit: number, updatedAt = T, used = 0): CustomerState =>
  stateWith([metered({ usageLimit, usage: { currentUsage: used, updatedAt } })], { updatedAt });
const fetched = (state: CustomerState, verifiedAt = T): FetchedState => ({
  state,
  verifiedAt,
  recheckAt: Infinity,
  isVerified: true,
});
const limitOf = (known: { readonly state: CustomerState } | undefined) => known?.state.feature("seats")?.usageLimit;

let server: RedisServer;
let environment: string;
let tests = 0;
const opened: RedisStore[] = [];

beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(() => {
  environment = `near-${tests++}`;
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((redis) => redis.close()));
});

/** One sidecar's store, and the commands that the test may hold up. */
async function openStore(options: Partial<RedisStoreOptions> = {}) {
  const held: HeldCommands[] = [];
  const redis = new RedisStore({
    target: { kind: "server", host: server.host, port: server.port, db: 0 },
    environment,
    commands: (real) => {
      held.push(new HeldCommands(real));
      return held[0]!;
    },
    ...options,
  });
  opened.push(redis);
  await redis.ready();
  const { store } = redis;
  return {
    redis,
    store,
    commands: held[0]!,
    peekedLimit: (subject = ACME) => limitOf(store.peek(subject.customerId, subject.resourceId)),
  };
}

describe("what another client wrote under a time that is yet to come", () => {
  const toCome = Date.now() + 365 * 86_400_000;

  it.each<[what: string, change: (store: RedisStore["store"]) => Promise<unknown>, expected: object]>([
    [
      "a change",
      (store) => store.apply({ type: "entitlements-updated", subject: ACME, state: withLimit(2, T + 1, 3) }, T + 1),
      { usageLimit: 2, currentUsage: 3 },
    ],
    [
      "a usage",
      (store) =>
        store.apply(
          { type: "usage-updated", subject: ACME, entitlement: SEATS, usage: { currentUsage: 7, updatedAt: T + 1 } },
          T + 1,
        ),
      { usageLimit: 1, currentUsage: 7 },
    ],
    ["a fetch", (store) => store.put(ACME, fetched(withLimit(2, T + 1, 3))), { usageLimit: 2, currentUsage: 3 }],
  ])("is replaced by what comes next: %s", async (_, change, expected) => {
    const [here, elsewhere] = [await openStore(), await openStore()];
    await elsewhere.store.put(ACME, fetched(withLimit(1, toCome, 9)));
    expect(limitOf(await here.store.load(ACME))).toBe(1);
    await change(here.store);
    const newcomer = await openStore();
    for (const { store } of [here, newcomer]) {
      const { state } = (await store.load(ACME))!;
      expect({
        usageLimit: state.feature("seats")?.usageLimit,
        currentUsage: state.featureUsage("seats").currentUsage,
      }).toEqual(expected);
    }
  });
});

describe("a write that supersedes a reply", () => {
  it("to a read: the older value does not stay cached, and nobody is given it", async () => {
    const [here, elsewhere] = [await openStore(), await openStore()];
    await elsewhere.store.put(ACME, fetched(withLimit(1)));
    await here.store.load(ACME);
    const reply = here.commands.holdNext("read");
    const loaded = here.store.load(ACME);
    await reply.replied;
    const received = here.redis.notifiedOf(stateKey(environment, ACME));
    await elsewhere.store.put(ACME, fetched(withLimit(2, T + 1)));
    await received;
    reply.release();
    expect(limitOf(await loaded)).toBe(2);
    expect(here.peekedLimit()).toBe(2);
  });

  it("to a write: what the other one wrote stays cached", async () => {
    const [here, elsewhere] = [await openStore(), await openStore()];
    const reply = here.commands.holdNext("writeNewest");
    const put = here.store.put(ACME, fetched(withLimit(1)));
    await reply.replied;
    const received = here.redis.notifiedOf(timestampKey(stateKey(environment, ACME)));
    await elsewhere.store.put(ACME, fetched(withLimit(2, T + 1)));
    await received;
    reply.release();
    expect(limitOf(await put)).toBe(2);
    expect(here.peekedLimit()).toBe(2);
  });

  it("to a change: what the other one wrote stays cached", async () => {
    const [here, elsewhere] = [await openStore(), await openStore()];
    await here.store.put(ACME, fetched(withLimit(1)));
    await here.store.load(ACME);
    const reply = here.commands.holdNext("writeNewest");
    const applied = here.store.apply(
      { type: "usage-updated", subject: ACME, entitlement: SEATS, usage: { currentUsage: 3, updatedAt: T + 5 } },
      T + 5,
    );
    await reply.replied;
    const received = here.redis.notifiedOf(usageKey(environment, ACME, SEATS));
    await elsewhere.store.apply(
      { type: "usage-updated", subject: ACME, entitlement: SEATS, usage: { currentUsage: 4, updatedAt: T + 6 } },
      T + 6,
    );
    await received;
    reply.release();
    await applied;
    expect(here.store.peek("acme", undefined)?.state.featureUsage("seats").currentUsage).toBe(4);
  });

  it("again and again: who asked is answered, and what it was answered is not vouched for", async () => {
    const [here, elsewhere] = [await openStore(), await openStore()];
    await elsewhere.store.put(ACME, fetched(withLimit(0)));
    await here.store.load(ACME);
    const replies = Array.from({ length: 5 }, () => here.commands.holdNext("read"));
    const loaded = here.store.load(ACME);
    for (const [index, reply] of replies.entries()) {
      await reply.replied;
      const received = here.redis.notifiedOf(stateKey(environment, ACME));
      await elsewhere.store.put(ACME, fetched(withLimit(index + 1, T + index + 1)));
      await received;
      reply.release();
    }
    expect(await loaded).toMatchObject({ isVerified: true });
    expect(limitOf(await loaded)).toBe(4);
    expect(here.store.peek("acme", undefined)).toBeUndefined();
    expect(limitOf(await here.store.load(ACME))).toBe(5);
  });

  it("counts for who asks after it: they do not get a reply from before it", async () => {
    const [here, elsewhere] = [await openStore(), await openStore()];
    await elsewhere.store.put(ACME, fetched(withLimit(1)));
    await here.store.load(ACME);
    const reply = here.commands.holdNext("read");
    const before = here.store.load(ACME);
    await reply.replied;
    const received = here.redis.notifiedOf(stateKey(environment, ACME));
    await elsewhere.store.put(ACME, fetched(withLimit(2, T + 1)));
    await received;
    expect(limitOf(await here.store.load(ACME))).toBe(2);
    reply.release();
    await before;
  });
});

describe("reads", () => {
  it("of many who ask at the same time are one, of everything, in one round trip", async () => {
    const here = await openStore();
    const elsewhere = await openStore();
    await elsewhere.store.put({ customerId: "other" }, fetched(withLimit(1)));
    await elsewhere.store.put(ACME, fetched(withLimit(1)));
    // From now on it is known which usages states have.
    await here.store.load({ customerId: "other" });
    const readBefore = here.commands.calls.read;
    const loaded = await Promise.all(Array.from({ length: 200 }, () => here.store.load(ACME)));
    expect(new Set(loaded.map(limitOf))).toEqual(new Set([1]));
    expect(here.commands.calls.read - readBefore).toBe(1);
  });

  it("wait no longer than they are told to, and then answer what is cached", async () => {
    const here = await openStore();
    await here.store.put(ACME, fetched(withLimit(1)));
    const replies = [here.commands.holdNext("read"), here.commands.holdNext("read")];
    expect(limitOf(await here.store.load(ACME, 1))).toBe(1);
    await expect(here.store.load({ customerId: "unknown" }, 1)).rejects.toMatchObject({ code: "unavailable" });
    for (const reply of replies) reply.release();
  });

  it("are made anew once a state is a minute old, or as old as keys become", async () => {
    for (const [ttlMs, youngest, oldest] of [
      [600_000, 225_000, 300_000],
      [8_000, 6_000, 8_000],
    ] as const) {
      const clock = new ManualClock(T);
      const here = await openStore({ clock, ttlMs });
      await here.store.put(ACME, fetched(withLimit(1)));
      const recheckIn = (await here.store.load(ACME))!.recheckAt - clock.now();
      expect(recheckIn).toBeGreaterThanOrEqual(youngest);
      expect(recheckIn).toBeLessThanOrEqual(oldest);
    }
  });
});

describe("what is written elsewhere", () => {
  it("takes from hand what was there, until it is read", async () => {
    const [here, elsewhere] = [await openStore(), await openStore()];
    await elsewhere.store.put(ACME, fetched(withLimit(1)));
    await here.store.load(ACME);
    expect(here.peekedLimit()).toBe(1);
    const received = here.redis.notifiedOf(stateKey(environment, ACME));
    await elsewhere.store.put(ACME, fetched(withLimit(2, T + 1)));
    await received;
    expect(here.peekedLimit()).toBeUndefined();
    expect(limitOf(await here.store.load(ACME))).toBe(2);
    expect(here.peekedLimit()).toBe(2);
  });

  it("of a customer takes its resources from hand, too", async () => {
    const [here, elsewhere] = [await openStore(), await openStore()];
    await elsewhere.store.put(ACME, fetched(withLimit(1)));
    await elsewhere.store.put(SITE, fetched(withLimit(5)));
    await here.store.load(SITE);
    expect(here.peekedLimit(SITE)).toBe(5);
    const received = here.redis.notifiedOf(stateKey(environment, ACME));
    await elsewhere.store.put(ACME, fetched(withLimit(2, T + 1)));
    await received;
    expect(here.peekedLimit(SITE)).toBeUndefined();
  });

  it("or removed, serves on where nobody can be asked, and is stale", async () => {
    const [here, elsewhere] = [await openStore(), await openStore()];
    await elsewhere.store.put(ACME, fetched(withLimit(1)));
    await here.store.load(ACME);
    const received = here.redis.notifiedOf(stateKey(environment, ACME));
    await elsewhere.store.forget(ACME);
    await received;
    expect(here.peekedLimit()).toBeUndefined();
    expect(await here.store.load(ACME)).toMatchObject({ isVerified: false });
    expect(limitOf(await here.store.load(ACME))).toBe(1);
  });

  it("as everything is by FLUSHALL, takes everything from hand", async () => {
    const here = await openStore();
    await here.store.put(ACME, fetched(withLimit(1)));
    await here.store.load(ACME);
    await server.admin.flushall();
    await eventually(() => here.peekedLimit()).toBeUndefined();
  });
});

describe("where Redis tells of no writes", () => {
  it("nothing is vouched for; what is read answers who asked", async () => {
    const here = await openStore();
    await here.store.put(ACME, fetched(withLimit(1)));
    here.store.coherence.incoherent();
    expect(here.peekedLimit()).toBeUndefined();
    expect(await here.store.load(ACME)).toMatchObject({ isVerified: true });
    expect(here.peekedLimit()).toBeUndefined();
  });

  it("what was read before it tells again is read anew: what was written in between was not reported", async () => {
    const [here, elsewhere] = [await openStore(), await openStore()];
    await elsewhere.store.put(ACME, fetched(withLimit(1)));
    await here.store.load(ACME);
    here.store.coherence.incoherent();
    const reply = here.commands.holdNext("read");
    const loaded = here.store.load(ACME);
    await reply.replied;
    here.redis.isDeaf = true;
    const received = here.redis.notifiedOf(stateKey(environment, ACME));
    await elsewhere.store.put(ACME, fetched(withLimit(2, T + 1)));
    await received;
    here.redis.isDeaf = false;
    here.store.coherence.coherent();
    expect(here.peekedLimit()).toBeUndefined();
    reply.release();
    expect(limitOf(await loaded)).toBe(2);
    expect(here.peekedLimit()).toBe(2);
  });
});

describe("where Redis is out of reach", () => {
  const down = (commands: HeldCommands) => (commands.isReachable = false);

  it("what is cached serves, stale once Redis tells of no writes either", async () => {
    const here = await openStore();
    await here.store.put(ACME, fetched(withLimit(1)));
    await here.store.load(ACME);
    down(here.commands);
    expect(await here.store.load(ACME)).toMatchObject({ isVerified: true });
    here.store.coherence.incoherent();
    expect(await here.store.load(ACME)).toMatchObject({ isVerified: false });
    expect(limitOf(await here.store.load(ACME))).toBe(1);
  });

  it("who is not known is told so", async () => {
    const here = await openStore();
    down(here.commands);
    await expect(here.store.load(ACME)).rejects.toMatchObject({ code: "unavailable" });
  });

  it("what is fetched meanwhile is cached for half a minute: not every check has to fetch", async () => {
    const clock = new ManualClock(T);
    const here = await openStore({ clock });
    down(here.commands);
    here.store.coherence.incoherent();
    await expect(here.store.put(ACME, fetched(withLimit(1)))).rejects.toMatchObject({ code: "unavailable" });
    expect(here.peekedLimit()).toBe(1);
    expect(here.store.peek("acme", undefined)?.recheckAt).toBe(T + 30_000);
    here.store.coherence.coherent();
    expect(here.peekedLimit()).toBeUndefined();
  });

  it("changes are known here, though others cannot be reported", async () => {
    const here = await openStore();
    await here.store.put(ACME, fetched(withLimit(1)));
    await here.store.load(ACME);
    down(here.commands);
    const change = { type: "entitlements-updated", subject: ACME, state: withLimit(2, T + 1) } as const;
    await expect(here.store.apply(change, T + 1)).rejects.toMatchObject({ code: "unavailable" });
    expect(here.peekedLimit()).toBe(2);
  });
});

describe("a resource", () => {
  it("is stale where its customer is not there", async () => {
    const [here, elsewhere] = [await openStore(), await openStore()];
    await elsewhere.store.put(SITE, fetched(withLimit(5)));
    expect(await here.store.load(SITE)).toMatchObject({ isVerified: false });
    await elsewhere.store.put(ACME, fetched(withLimit(1)));
    expect(await here.store.load(SITE)).toMatchObject({ isVerified: true });
  });

  it("older than its customer is asked for once, and then nobody asks again", async () => {
    const [here, elsewhere] = [await openStore(), await openStore()];
    await here.store.put(ACME, fetched(withLimit(1)));
    await here.store.put(SITE, fetched(withLimit(5)));
    await here.store.put(ACME, fetched(withLimit(2, T + 1)));
    expect(await here.store.load(SITE)).toMatchObject({ isVerified: false });
    await here.store.put(SITE, fetched(withLimit(5)));
    for (const { store } of [here, elsewhere]) expect(await store.load(SITE)).toMatchObject({ isVerified: true });
    await here.store.put(ACME, fetched(withLimit(3, T + 2)));
    for (const { store } of [here, elsewhere]) expect(await store.load(SITE)).toMatchObject({ isVerified: false });
  });

  it("whose customer changed while it was fetched is asked for again", async () => {
    const here = await openStore();
    await here.store.put(ACME, fetched(withLimit(1)));
    await here.store.put(ACME, fetched(withLimit(2, T + 1)));
    await here.store.load(SITE);
    await here.store.put(ACME, fetched(withLimit(3, T + 2)));
    await here.store.load(SITE);
    await here.store.put(SITE, fetched(withLimit(5)));
    expect(await (await openStore()).store.load(SITE)).toMatchObject({ isVerified: false });
  });
});

describe("two subjects of one key", () => {
  it("are never answered from each other's state", async () => {
    const [here, elsewhere] = [await openStore(), await openStore()];
    const [customer, resource] = [{ customerId: "a:r_b" }, { customerId: "a", resourceId: "b" }];
    await here.store.put({ customerId: "a" }, fetched(withLimit(9)));
    await here.store.put(customer, fetched(withLimit(1)));
    expect(await elsewhere.store.load(resource)).toBeUndefined();
    await elsewhere.store.put(resource, fetched(withLimit(2)));
    expect(await (await openStore()).store.load(customer)).toBeUndefined();
    expect(limitOf(await here.store.load(customer))).toBe(1);
    expect(limitOf(await here.store.load(resource))).toBe(2);
  });
});

describe("changes", () => {
  const usageUpdated = (currentUsage: number, updatedAt: number) =>
    ({ type: "usage-updated", subject: ACME, entitlement: SEATS, usage: { currentUsage, updatedAt } }) as const;

  it("of usage leave what others keep beside it", async () => {
    const here = await openStore();
    await here.store.put(ACME, fetched(withLimit(1)));
    const key = usageKey(environment, ACME, SEATS);
    const value = JSON.parse((await server.admin.get(key))!) as object;
    await server.admin.set(key, JSON.stringify({ ...value, addedByOthers: { deep: [1] } }));
    await here.store.apply(usageUpdated(7, T + 1), T + 1);
    expect(JSON.parse((await server.admin.get(key))!)).toMatchObject({ currentUsage: 7, addedByOthers: { deep: [1] } });
  });

  it("of usage are not written for a customer of whom there is no state", async () => {
    const here = await openStore();
    await here.store.put(ACME, fetched(withLimit(1)));
    const reply = here.commands.holdNext("read");
    const applied = here.store.apply(usageUpdated(7, T + 1), T + 1);
    await reply.replied;
    await (await openStore()).store.forget(ACME);
    await server.admin.del(usageKey(environment, ACME, SEATS));
    reply.release();
    await applied;
    expect(await server.admin.exists(usageKey(environment, ACME, SEATS))).toBe(0);
  });

  it("older than what Redis holds do not come to hand, either", async () => {
    const [here, elsewhere] = [await openStore(), await openStore()];
    await elsewhere.store.put(ACME, fetched(withLimit(2, T + 2)));
    await here.store.apply({ type: "entitlements-updated", subject: ACME, state: withLimit(1, T + 1) }, T + 1);
    expect(here.peekedLimit()).toBe(2);
  });
});

describe("after a gap in this process's own changes", () => {
  it("what anybody asked for since is fresh, and what was asked for before is not", async () => {
    const clock = new ManualClock(T);
    const [here, elsewhere] = [await openStore({ clock }), await openStore()];
    await elsewhere.store.put(ACME, fetched(withLimit(1), T - 1));
    await here.store.markAllUnverified();
    expect(await here.store.load(ACME)).toMatchObject({ isVerified: false });
    expect(here.peekedLimit()).toBeUndefined();
    await elsewhere.store.put(ACME, fetched(withLimit(1), T + 1));
    const known: StoredState | undefined = await here.store.load(ACME);
    expect(known).toMatchObject({ isVerified: true, verifiedAt: T + 1 });
    expect(here.peekedLimit()).toBe(1);
  });
});
