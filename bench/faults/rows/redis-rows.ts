import { setTimeout as elapse } from "node:timers/promises";
import type { CatalogInput } from "../../../src/adapters/catalog/file/catalog-input.js";
import { inkwell } from "../../../test/builders/inkwell.js";
import { ACME, type Arena } from "../arena.js";
import { REDIS_ENVIRONMENT, type SeatsAnswer } from "../contestant.js";
import { type Row, seconds } from "../row.js";

const OTHER = "other";
const RESOURCE = "site";
/** How long a check is waited for. */
const PATIENCE_MS = 20_000;
const RESOURCE_CHECKS = 10;

/** Customers and resources without awkward names: these rows are about Redis alone. */
const CATALOG: CatalogInput = {
  ...inkwell(),
  customers: [
    { id: ACME, plan: "pro", usage: { seats: 8 }, resources: [{ id: RESOURCE, plan: "pro" }] },
    { id: OTHER, plan: "pro" },
  ],
};

const ON_REDIS = { isOnRedis: true, catalog: CATALOG } as const;

interface Checked {
  readonly shown: string;
  readonly ms: number;
}

/** One check, and what it came to; each customer of these rows has 10 seats. */
async function check(arena: Arena, customerId: string): Promise<Checked> {
  const begun = performance.now();
  const abort = new AbortController();
  const answer = await Promise.race([
    arena.contestant.seats(customerId).catch(() => "an error" as const),
    elapse(PATIENCE_MS, undefined, { signal: abort.signal }).catch(() => undefined),
  ]);
  abort.abort();
  return { shown: shown(answer), ms: performance.now() - begun };
}

function shown(answer: SeatsAnswer | "an error" | undefined): string {
  if (answer === undefined) return "nothing";
  if (answer === "an error") return answer;
  if (answer.isFallback) return "the fallback";
  return answer.limit === 10 ? "the true answer" : "a wrong denial";
}

const inWords = ({ shown, ms }: Checked) => `${shown} after ${seconds(ms)}`;

/** A check for which upstream is asked, and what happens while it is. */
async function duringFetch(arena: Arena, act: () => Promise<void>): Promise<Checked> {
  const ends = (["edge", "api"] as const).map((target) => arena.emulator.faults.inject({ target, kind: "hold" }));
  const checking = check(arena, OTHER);
  await Promise.race([arena.emulator.stats.until(({ http }) => http.inFlight > 0), checking]);
  await act();
  for (const end of ends) end();
  return checking;
}

const fetches = ({ fetches: { edge, api } }: Arena) => edge + api;

export const REDIS_ROWS: readonly Row[] = [
  {
    name: "redis-dead",
    fault: "Redis mode: Redis gone; a customer who was checked before, and a cold one",
    ...ON_REDIS,
    measure: async (arena) => {
      await arena.redis.server.kill();
      const before = fetches(arena);
      const [warm, cold] = [await check(arena, ACME), await check(arena, OTHER)];
      return `${inWords(warm)}, ${inWords(cold)}; upstream asked ${fetches(arena) - before} ×`;
    },
  },
  {
    name: "redis-in-flight",
    fault: "Redis mode: Redis dies with a cold check's command in flight",
    ...ON_REDIS,
    measure: async (arena) => {
      const { server, network } = arena.redis;
      server.pause();
      const sent = network.sent(OTHER);
      const checking = check(arena, OTHER);
      await sent;
      network.refuse();
      return inWords(await checking);
    },
  },
  {
    name: "redis-hangs",
    fault: "Redis mode: Redis hangs, connections open; a cold check",
    ...ON_REDIS,
    measure: async (arena) => {
      arena.redis.network.hang();
      return inWords(await check(arena, OTHER));
    },
  },
  {
    name: "redis-dies-in-fetch",
    fault: "Redis mode: Redis dies while upstream is asked; that check, and a later one",
    ...ON_REDIS,
    measure: async (arena) => {
      const first = await duringFetch(arena, () => arena.redis.server.kill());
      return `${inWords(first)}, ${inWords(await check(arena, OTHER))}`;
    },
  },
  {
    name: "redis-back-empty",
    fault: "Redis mode: Redis restarts empty while upstream is asked",
    ...ON_REDIS,
    measure: async (arena) => inWords(await duringFetch(arena, () => arena.redis.server.restartEmpty())),
  },
  {
    name: "redis-old-resource",
    fault: `Redis mode: a resource's state older than its customer's in Redis, ${RESOURCE_CHECKS} checks`,
    ...ON_REDIS,
    measure: async (arena) => {
      await arena.contestant.seats(ACME, RESOURCE);
      await arena.redis.server.admin.set(`${REDIS_ENVIRONMENT}:c_${ACME}#timestamp`, Date.now() + 60_000);
      const before = fetches(arena);
      for (let i = 0; i < RESOURCE_CHECKS; i++) await arena.contestant.seats(ACME, RESOURCE);
      return `fetches: ${fetches(arena) - before}`;
    },
  },
];
