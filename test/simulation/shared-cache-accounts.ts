import { ENVIRONMENT } from "./fleet.js";
import type { Oracle } from "./oracle.js";
import type { Announced, ChangeAnnouncer } from "./servers/change-announcer.js";
import type { SqsServer } from "./servers/sqs-server.js";
import { CUSTOMER_MARK, RESOURCE_MARK, type Upstream } from "./servers/upstream.js";
import type { VirtualRedis } from "./transports/redis-client.js";
import type { World } from "./world/world.js";

export interface AccountParts {
  readonly world: World;
  readonly queue: SqsServer;
  readonly announcer: ChangeAnnouncer;
  readonly redis: VirtualRedis;
  readonly upstream: Upstream;
  readonly oracle: Oracle;
}

/** What a stored state says: whose it is, and which version. */
interface Stored {
  readonly owner: number;
  readonly version: number;
}

/** How long a message may be on its way once nothing fails, microseconds. */
const SETTLED_AFTER = 240e6;
const USUAL_LAG_MS = 500;

/** Compares what the queue has been given with what Redis holds: at each message that is taken off it, and at the end. */
export class SharedCacheAccounts {
  readonly #parts: AccountParts;
  /** By customer, the version that Redis must not be behind, as far as messages say. */
  readonly #atLeast = new Map<number, number>();
  /** By customer, whose state lay at its key, and when: microseconds of virtual time. */
  readonly #ownerOf = new Map<number, readonly [owner: number, at: number]>();
  /** Messages that are off the queue. */
  readonly #settled = new Set<string>();
  #dead = 0;
  #edgeWasBehindAt = -Infinity;

  constructor(parts: AccountParts) {
    this.#parts = parts;
    const { queue, announcer } = parts;
    queue.onRemoved = (body) => {
      const announced = announcer.announcedBy(body);
      if (announced !== undefined) this.#acknowledged(announced);
    };
    queue.onDead = (body) => {
      this.#dead++;
      const announced = announcer.announcedBy(body);
      // It is told as missing: nobody has to have it.
      if (announced !== undefined) {
        this.#settled.add(announced.id);
        this.#atLeast.delete(announced.change.customer);
      }
    };
  }

  get dead(): number {
    return this.#dead;
  }

  get acknowledged(): number {
    return this.#settled.size - this.#dead;
  }

  /** Redis has come back with other content than it had: only Edge knows what it lost. */
  redisRestarted(): void {
    if (this.#edgeIsBehind()) this.#atLeast.clear();
  }

  /** What was fetched from Edge before that may be older than what a message said. */
  edgeCaughtUp(): void {
    this.#edgeWasBehindAt = this.#parts.world.scheduler.now;
  }

  #edgeIsBehind(since = Infinity): boolean {
    return this.#parts.upstream.faults.edgeLagMs > USUAL_LAG_MS || this.#edgeWasBehindAt >= since;
  }

  #acknowledged({ id, change: { type, customer, version, isOfResource }, isFull, sentAt }: Announced): void {
    this.#settled.add(id);
    if (type !== "entitlements.updated" || isOfResource) return;
    const { redis, oracle, world, upstream } = this.#parts;
    // What was fetched may be from before the change.
    if (!isFull && this.#edgeIsBehind(sentAt)) return;
    const stored = this.#storedAt(upstream.idOf(customer));
    this.#atLeast.set(customer, Math.max(version, this.#atLeast.get(customer) ?? 0));
    if (stored?.owner !== customer + CUSTOMER_MARK || !redis.isUp) return;
    if (stored.version < version && redis.restartedAt < sentAt)
      oracle.violate(
        "acknowledged-is-in-redis",
        world.scheduler.now / 1_000,
        `${id} of customer ${customer} v${version} is taken off the queue, and Redis has v${stored.version}`,
      );
  }

  /** Whose state lies where, at any time: a customer whose key is a resource's too has no place there once that came. */
  lookAtSlots(): void {
    const { upstream, redis, oracle, world } = this.#parts;
    for (let customer = 0; customer < upstream.customers; customer++) {
      const owner = this.#storedAt(upstream.idOf(customer))?.owner;
      const mayBe = [customer + CUSTOMER_MARK];
      if (upstream.sharesItsSlot(customer)) mayBe.push(customer - 1 + RESOURCE_MARK);
      const [first, at] = this.#ownerOf.get(customer) ?? [];
      if (owner !== undefined) this.#ownerOf.set(customer, [owner, world.scheduler.now]);
      const isAway = at === undefined || at < redis.restartedAt || upstream.refused.has(customer - 1);
      if (owner === undefined || (mayBe.includes(owner) && (isAway || first === undefined || first <= owner))) continue;
      oracle.violate(
        "no-subject-holds-anothers-slot",
        world.scheduler.now / 1_000,
        `at the key of customer ${customer} lies the state of ${owner}, after that of ${first ?? "nobody"}`,
      );
    }
  }

  /** Once at the end, long after the last fault. */
  judge(): void {
    this.lookAtSlots();
    const { world, queue, announcer, oracle, upstream } = this.#parts;
    const { now } = world.scheduler;
    for (const body of queue.waiting) {
      const announced = announcer.announcedBy(body);
      if (announced !== undefined && announced.sentAt < now - SETTLED_AFTER)
        oracle.violate("every-message-ends", now / 1_000, `${announced.id} waits since ${announced.sentAt / 1e6} s`);
    }
    const unsettled = [...announcer.announced.values()].filter(
      ({ id, sentAt }) => sentAt < now - SETTLED_AFTER && !this.#settled.has(id),
    );
    for (const { id, sentAt, change } of unsettled.slice(0, 3))
      oracle.violate(
        "every-message-ends",
        now / 1_000,
        `${id} (${change.type}) of ${sentAt / 1e6} s was neither carried out nor given up; ${unsettled.length} of them`,
      );
    for (const [customer, version] of this.#atLeast) {
      const stored = this.#storedAt(upstream.idOf(customer));
      if (stored?.owner !== customer + CUSTOMER_MARK || stored.version >= version) continue;
      oracle.violate(
        "acknowledged-is-in-redis",
        now / 1_000,
        `customer ${customer} is v${stored.version} in Redis at the end, and a message of v${version} was acknowledged`,
      );
    }
  }

  #storedAt(id: string): Stored | undefined {
    const text = this.#parts.redis.server.peek(`${ENVIRONMENT}:c_${id}`);
    if (text === null || text === "" || text === "{}") return undefined;
    const state = JSON.parse(text) as Record<
      string,
      { readonly calculatedEntitlement?: { readonly usageLimit: number } } | undefined
    >;
    const { seats, calls } = state;
    if (seats?.calculatedEntitlement === undefined || calls?.calculatedEntitlement === undefined) return undefined;
    return {
      owner: calls.calculatedEntitlement.usageLimit,
      version: seats.calculatedEntitlement.usageLimit % 1_000_000,
    };
  }
}
