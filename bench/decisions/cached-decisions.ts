import { type Cache, cacheCustomer, decideFeature, freshIdOf, newCache, stateOf } from "../memory/shipped.js";
import { median } from "../rounds.js";
import { BOOLEAN_FEATURES, featureIdOf, METERED_FEATURES } from "../world/customers.js";
import { randomBelow } from "./random-below.js";

export interface DecisionsJob {
  readonly customers: number;
  /** Whether customers of one plan have the same entitlements; else everyone's limits are their own. */
  readonly isShared: boolean;
  readonly rounds: number;
  /** Whether customers are evicted as well: that takes another cache. */
  readonly isEvicting: boolean;
}

/** Nanoseconds, in each round, unless said otherwise. */
export interface DecisionFigures {
  readonly boolean: readonly number[];
  readonly metered: readonly number[];
  readonly usageEvent: readonly number[];
  /** Processor time, the longest that one state took to be cached while others were evicted for it, milliseconds. */
  readonly longestEvictionMs: readonly number[];
}

/** Requests come with texts that are in the processor's cache, made shortly before; few enough that they stay there. */
const BATCH = 256;
const BATCHES = 400;
const EVENTS = 20_000;
const EVICTING_SHARE = 0.05;

/** In a process of its own: fills a cache, and decides on customers chosen by chance. */
export function measureCachedDecisions(): void {
  process.once("message", (job: DecisionsJob) => {
    void measure(job).then((figures) => process.send?.(figures));
  });
  process.on("disconnect", () => process.exit());
}

async function measure({ customers, isShared, rounds, isEvicting }: DecisionsJob): Promise<DecisionFigures> {
  const now = new Date();
  const cache = newCache();
  for (let customer = 0; customer < customers; customer++) await cacheCustomer(cache, customer, isShared, now);
  const booleanCheck = checkOf(cache, featureIdOf(BOOLEAN_FEATURES[0]!), "boolean", now.getTime());
  const meteredCheck = checkOf(cache, featureIdOf(METERED_FEATURES.at(-1)!), "metered", now.getTime());
  const figures = { boolean: [] as number[], metered: [] as number[], usageEvent: [] as number[] };
  for (let round = 0; round <= rounds; round++) {
    const boolean = nanosecondsOf(booleanCheck, customers);
    const metered = nanosecondsOf(meteredCheck, customers);
    const usageEvent = await nanosecondsOfEvents(cache, customers, now.getTime() + round);
    // The first is for the compiler.
    if (round === 0) continue;
    figures.boolean.push(boolean);
    figures.metered.push(metered);
    figures.usageEvent.push(usageEvent);
  }
  const longestEvictionMs = isEvicting
    ? await longestEvictions(customers, cache.size.bytes, { isShared, rounds, now })
    : [];
  return { ...figures, longestEvictionMs };
}

type Check = (customerId: string) => boolean;

/** What a check does in service, but for its clock: what is cached, whether it is usable, the decision. */
function checkOf(cache: Cache, featureId: string, kind: "boolean" | "metered", now: number): Check {
  const query = {
    featureId,
    kind,
    requestedUsage: undefined,
    requestedValues: [],
    fallback: undefined,
    fallbackWhenUnknown: false,
  };
  return (customerId) => {
    const held = cache.peek(customerId, undefined);
    if (held === undefined || now >= held.recheckAt || held.verifiedAt < 0)
      throw new Error(`${customerId} is not cached`);
    return decideFeature(held.state, query, now).hasAccess;
  };
}

/** Of one check: the median batch, since the system takes the processor away now and then. */
function nanosecondsOf(check: Check, customers: number): number {
  const times: number[] = [];
  let granted = 0;
  const customerIds = new Array<string>(BATCH).fill("");
  for (let batch = 0; batch < BATCHES; batch++) {
    for (let i = 0; i < BATCH; i++) customerIds[i] = freshIdOf(randomBelow(customers));
    const begun = process.hrtime.bigint();
    for (const customerId of customerIds) granted += Number(check(customerId));
    times.push(Number(process.hrtime.bigint() - begun) / BATCH);
  }
  if (granted === 0) throw new Error("nobody was granted anything");
  return median(times);
}

async function nanosecondsOfEvents(cache: Cache, customers: number, updatedAt: number): Promise<number> {
  const entitlement = { type: "feature", id: featureIdOf(METERED_FEATURES[0]!) } as const;
  const events = Array.from({ length: Math.min(EVENTS, 20 * customers) }, (_, used) => ({
    type: "usage-updated" as const,
    subject: { customerId: freshIdOf(randomBelow(customers)) },
    entitlement,
    usage: { currentUsage: used % 100, updatedAt },
  }));
  const begun = process.hrtime.bigint();
  for (const event of events) await cache.apply(event, updatedAt);
  return Number(process.hrtime.bigint() - begun) / events.length;
}

interface Newcomers {
  readonly isShared: boolean;
  readonly rounds: number;
  readonly now: Date;
}

/** Of a cache that holds as much as it may, when others come: the longest in each round. */
async function longestEvictions(
  customers: number,
  maxBytes: number,
  { isShared, rounds, now }: Newcomers,
): Promise<readonly number[]> {
  const cache = newCache(maxBytes);
  for (let customer = 0; customer < customers; customer++) await cacheCustomer(cache, customer, isShared, now);
  const perRound = Math.ceil((customers * EVICTING_SHARE) / rounds);
  return Array.from({ length: rounds }, (_, round) => {
    let longest = 0;
    for (let i = 0; i < perRound; i++) {
      const customer = customers + round * perRound + i;
      const fetched = {
        state: stateOf(customer, isShared, now),
        verifiedAt: now.getTime(),
        recheckAt: Infinity,
        isVerified: true,
      };
      const begun = process.cpuUsage();
      void cache.put({ customerId: freshIdOf(customer) }, fetched);
      const { user, system } = process.cpuUsage(begun);
      longest = Math.max(longest, (user + system) / 1_000);
    }
    return longest;
  });
}
