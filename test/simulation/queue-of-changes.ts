import type { Random } from "../model/random.js";
import { QUEUE_HOST, SimCacheService } from "./cache-service.js";
import type { Oracle } from "./oracle.js";
import { ChangeAnnouncer } from "./servers/change-announcer.js";
import { SqsServer } from "./servers/sqs-server.js";
import type { Upstream } from "./servers/upstream.js";
import type { Consumption } from "./service-faults.js";
import { SharedCacheAccounts } from "./shared-cache-accounts.js";
import type { VirtualRedis } from "./transports/redis-client.js";
import { listenSqs, type VirtualQueue } from "./transports/sqs-client.js";
import type { World } from "./world/world.js";

/** Of the queue of changes. */
export interface MessageTally {
  readonly sent: number;
  readonly acknowledged: number;
  readonly dead: number;
}

const LOOK_AT_SLOTS_EVERY = 60e6;
const SERVICE_SETTINGS: readonly Readonly<Record<string, string>>[] = [
  { BATCH_SIZE: "10", CACHE_UPDATE_POLICY: "UPSERT" },
  { BATCH_SIZE: "1" },
  { BATCH_SIZE: "10" },
];

export interface QueueSurroundings {
  readonly world: World;
  readonly random: Random;
  readonly redis: VirtualRedis;
  readonly upstream: Upstream;
  readonly oracle: Oracle;
}

/** A queue of upstream's changes, and the persistent-cache services that consume it. */
export function openQueue(
  cacheServices: number,
  { world, random, redis, upstream, oracle }: QueueSurroundings,
): Consumption {
  const server = new SqsServer({
    now: () => world.scheduler.now / 1_000,
    after: (delayMs, run) => world.scheduler.after(delayMs * 1_000, undefined, run),
    visibilitySeconds: 30,
    maxReceives: 10,
  });
  const queue: VirtualQueue = { host: QUEUE_HOST, server, state: "up" };
  listenSqs(queue);
  const announcer = new ChangeAnnouncer(world, random.fork(), server, upstream);
  const services = Array.from(
    { length: cacheServices },
    (_, index) => new SimCacheService(`service-${index}`, SERVICE_SETTINGS[index % SERVICE_SETTINGS.length] ?? {}),
  );
  const accounts = new SharedCacheAccounts({ world, queue: server, announcer, redis, upstream, oracle });
  return { services, queue, announcer, accounts };
}

/** Looks from time to time at what the services have written. */
export function lookAtSlots(world: World, consumption: Consumption): void {
  world.scheduler.after(LOOK_AT_SLOTS_EVERY, undefined, () => {
    lookAtSlots(world, consumption);
    consumption.accounts.lookAtSlots();
    return true;
  });
}

export function messageTally(consumption: Consumption | undefined): MessageTally {
  return {
    sent: consumption?.announcer.announced.size ?? 0,
    acknowledged: consumption?.accounts.acknowledged ?? 0,
    dead: consumption?.accounts.dead ?? 0,
  };
}
