import { once } from "node:events";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { RedisSingleFlight } from "../../../src/adapters/cache/redis/leases/redis-single-flight.js";
import { missChannel, missLockKey } from "../../../src/adapters/cache/redis/store/redis-keys.js";
import { SystemClock } from "../../../src/adapters/ops/system-clock.js";
import { LoadState } from "../../../src/application/load/load-state.js";
import type { CustomerState } from "../../../src/domain/customer-state.js";
import type { Subject } from "../../../src/domain/subject.js";
import type { Lease } from "../../../src/ports/shared-cache.js";
import { type RedisServer, startRedis } from "../../builders/redis-servers.js";
import { RedisStore } from "../../builders/redis-store.js";
import { metered, stateWith } from "../../builders/states.js";
import { ControllableUpstream } from "../../fakes/controllable-upstream.js";
import { HeldCommands } from "../../fakes/held-commands.js";
import { eventually } from "../../support/expectations.js";

const T = Date.UTC(2026, 2, 10);
const ACME: Subject = { customerId: "acme" };
const SITE: Subject = { customerId: "acme", resourceId: "site" };
const NEVER_MS = 3_600_000;

const withLimit = (usageLimit: number, updatedAt = T): CustomerState =>
  stateWith([metered({ usageLimit, usage: { currentUsage: 0, updatedAt } })], { updatedAt });
const limitOf = (known: { readonly state: CustomerState } | undefined) => known?.state.feature("seats")?.usageLimit;
const nothingThere = () => Promise.resolve(false);

let server: RedisServer;
let environment: string;
let tests = 0;
const opened: RedisStore[] = [];

beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(() => {
  environment = `flights-${tests++}`;
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((redis) => redis.close()));
});

/** One process: its store, its turns, and an upstream of its own. */
async function openProcess({ waitMs = NEVER_MS } = {}) {
  const held: HeldCommands[] = [];
  const redis = new RedisStore({
    target: { kind: "server", host: server.host, port: server.port, db: 0 },
    environment,
    commands: (real) => (held[0] = new HeldCommands(real)),
  });
  opened.push(redis);
  await redis.ready();
  const commands = held[0]!;
  const clock = new SystemClock();
  const singleFlight = new RedisSingleFlight({
    commands,
    coherence: redis.store.coherence,
    environment,
    clock,
    waitMs,
  });
  const upstream = new ControllableUpstream();
  const load = new LoadState(redis.store, upstream, clock, {
    fetchTimeoutMs: NEVER_MS,
    recheckAfterMs: 30_000,
    singleFlight: singleFlight,
  });
  return { redis, commands, singleFlight, upstream, load };
}

/** What published clients hear of a subject. */
async function hear(subject: Subject) {
  const client = server.client();
  await client.subscribe(missChannel(environment, subject));
  const heard = once(client, "message").then(([, body]) => JSON.parse(body as string) as object);
  return { heard, stop: () => client.disconnect() };
}

const lockOf = (subject: Subject) => server.admin.get(missLockKey(environment, subject));

describe("two processes that miss one customer", () => {
  it("ask upstream once, and both know what it says", async () => {
    const [one, other] = [await openProcess(), await openProcess()];
    const loadedByOne = one.load.load(ACME);
    const fetch = await one.upstream.fetches.at(0);
    const loadedByOther = other.load.load(ACME);
    await eventually(() => other.commands.calls.lock).toBeGreaterThan(0);
    fetch.answer(withLimit(7));
    expect([limitOf(await loadedByOne), limitOf(await loadedByOther)]).toEqual([7, 7]);
    expect(other.upstream.fetches.count).toBe(0);
    await eventually(() => lockOf(ACME)).toBeNull();
  });

  it("ask once also where the other one comes to ask just after the first had its answer", async () => {
    const [one, other] = [await openProcess(), await openProcess()];
    const lock = other.commands.holdNext("lock");
    const loadedByOne = one.load.load(ACME);
    const fetch = await one.upstream.fetches.at(0);
    fetch.answer(withLimit(7));
    await loadedByOne;
    await eventually(() => lockOf(ACME)).toBeNull();
    const loadedByOther = other.load.load(ACME);
    await lock.replied;
    lock.release();
    expect(limitOf(await loadedByOther)).toBe(7);
    expect(other.upstream.fetches.count).toBe(0);
  });

  it.each([
    { isThere: false, looks: 0 },
    { isThere: true, looks: 1 },
  ])("look for the state again only where it may be there: $isThere", async ({ isThere, looks }) => {
    const { redis, singleFlight } = await openProcess();
    if (isThere) await redis.store.put(ACME, { state: withLimit(1), verifiedAt: T, recheckAt: T, isVerified: true });
    let looked = 0;
    const lease = await singleFlight.acquireLease(ACME, () => {
      looked++;
      return nothingThere();
    });
    expect({ looked, isTaken: lease !== undefined }).toEqual({ looked: looks, isTaken: true });
    lease?.end(false);
  });

  it("the second asks itself once the first has failed", async () => {
    const [one, other] = [await openProcess(), await openProcess()];
    const failed = one.load.load(ACME);
    const fetch = await one.upstream.fetches.at(0);
    const loaded = other.load.load(ACME);
    await eventually(() => other.commands.calls.lock).toBeGreaterThan(0);
    fetch.fail();
    await expect(failed).rejects.toMatchObject({ code: "unavailable" });
    (await other.upstream.fetches.at(0)).answer(withLimit(7));
    expect(limitOf(await loaded)).toBe(7);
  });

  it("the second asks itself once it has waited long enough for one that died", async () => {
    await server.admin.set(missLockKey(environment, ACME), "a dead one's", "PX", NEVER_MS);
    const other = await openProcess({ waitMs: 120 });
    const loaded = other.load.load(ACME);
    (await other.upstream.fetches.at(0)).answer(withLimit(7));
    expect(limitOf(await loaded)).toBe(7);
    expect(await lockOf(ACME)).toBe("a dead one's");
  });

  it("take turns for a customer and its resources apart", async () => {
    const { singleFlight } = await openProcess();
    const turns = await Promise.all([
      singleFlight.acquireLease(ACME, nothingThere),
      singleFlight.acquireLease(SITE, nothingThere),
    ]);
    expect(turns.every((lease) => lease !== undefined)).toBe(true);
    expect([await lockOf(ACME), await lockOf(SITE)]).toEqual([
      expect.stringMatching(/^[0-9a-f]{32}$/),
      expect.stringMatching(/^[0-9a-f]{32}$/),
    ]);
    for (const lease of turns) lease?.end(false);
  });
});

describe("without Redis", () => {
  it("it is this process's turn at once", async () => {
    const { singleFlight, commands } = await openProcess();
    commands.isReachable = false;
    const lease = await singleFlight.acquireLease(ACME, nothingThere);
    expect(lease).toBeDefined();
    lease?.end(true);
  });

  it("a turn that cannot be given back harms nobody here", async () => {
    const { singleFlight, commands } = await openProcess();
    const lease = await singleFlight.acquireLease(ACME, nothingThere);
    commands.isReachable = false;
    lease?.end(true);
    await eventually(() => commands.calls.unlock).toBe(1);
  });
});

describe("the published clients' part in it", () => {
  it("their lock is respected, and expires by itself like theirs", async () => {
    const { singleFlight } = await openProcess();
    const lease = await singleFlight.acquireLease(ACME, nothingThere);
    const left = await server.admin.pttl(missLockKey(environment, ACME));
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThanOrEqual(5_000);
    lease?.end(false);
  });

  it("whoever of them waits hears that the state is there, or that it is not", async () => {
    const { load, upstream } = await openProcess();
    for (const [answer, word] of [
      [withLimit(7), {}],
      [undefined, { error: expect.any(String) as unknown as string }],
    ] as const) {
      const { heard, stop } = await hear(ACME);
      const loaded = load.load(ACME).catch(() => undefined);
      const fetch = await upstream.fetches.at(upstream.fetches.count);
      if (answer === undefined) fetch.fail();
      else fetch.answer(answer);
      await loaded;
      expect(await heard).toEqual(word);
      stop();
      await server.admin.flushall();
    }
  });

  it.each([
    { where: "its customer is not there", customerAt: undefined, isReadable: false },
    { where: "its customer is newer", customerAt: T + 1, isReadable: false },
    { where: "its customer is not newer", customerAt: T, isReadable: true },
  ])("of a resource, where $where, they hear that it is there: $isReadable", async ({ customerAt, isReadable }) => {
    const { redis, load, upstream } = await openProcess();
    if (customerAt !== undefined)
      await redis.store.put(ACME, {
        state: withLimit(1, customerAt),
        verifiedAt: T,
        recheckAt: Infinity,
        isVerified: true,
      });
    const { heard, stop } = await hear(SITE);
    const loaded = load.load(SITE);
    (await upstream.fetches.at(0)).answer(withLimit(7));
    await loaded;
    expect(await heard).toEqual(isReadable ? {} : { error: expect.any(String) as unknown as string });
    stop();
  });

  it("what one of them has written while it had the lock is found at once, with no word from it", async () => {
    const { load, upstream, commands } = await openProcess();
    await server.admin.set(missLockKey(environment, ACME), "theirs", "PX", NEVER_MS);
    const loaded = load.load(ACME);
    await eventually(() => commands.calls.lock).toBeGreaterThan(0);
    const key = `${environment}:c_acme`;
    const feature = { id: "sso", featureType: "BOOLEAN", units: "", unitsPlural: "" };
    const terms = { usageLimit: null, hasUnlimitedUsage: false, hasSoftLimit: false, enumValues: [] };
    const sso = {
      calculatedEntitlement: { feature, ...terms },
      featureUsage: { resetPeriod: null, resetPeriodConfiguration: null, currentUsage: 0 },
    };
    await server.admin.multi().set(key, JSON.stringify({ sso })).set(`${key}#timestamp`, String(T)).exec();
    expect((await loaded)?.state.feature("sso")?.kind).toBe("boolean");
    expect(upstream.fetches.count).toBe(0);
  });
});

describe("turns", () => {
  it("of ten who want one are had one after the other", async () => {
    const processes = await Promise.all(Array.from({ length: 10 }, () => openProcess()));
    let having = 0;
    let most = 0;
    await Promise.all(
      processes.map(async ({ singleFlight }) => {
        const lease = (await singleFlight.acquireLease(ACME, nothingThere)) as Lease;
        most = Math.max(most, ++having);
        await server.admin.ping();
        having--;
        lease.end(false);
      }),
    );
    expect(most).toBe(1);
  });
});
