import { randomNumbers } from "../load/key-sequence.js";
import type { FleetSize } from "./fleet-size.js";
import { HeldStates } from "./held-states.js";
import { Queue } from "./queue.js";

/** What a check may wait, seconds. */
const BUDGET = 1;
/** From a write to Redis until sidecars know that what they have is older. */
const NOTICE = 0.005;
/** From a change upstream until its message has come. */
const MESSAGE = 0.2;
const ROUND_TRIP = 0.001;
/** How long a state is vouched for that could not be written to Redis. */
const ALONE = 30;
/** Fetches at once, of a sidecar and of a consumer. */
const CONCURRENT = 64;
const COLD_SECONDS = 5;
const STEP = 0.01;

interface Sidecar {
  readonly held: HeldStates;
  readonly processor: Queue;
  /** Bounds how many fetches there are at a time. */
  readonly fetches: Queue;
  startedAt: number;
  /** What was verified before may have changed without a notice. */
  trustSince: number;
}

/** What was answered in one second. */
export interface SecondOfAnswers {
  answers: number;
  /** Nothing was known in time: the failure policy answered. */
  made: number;
  /** From a state that is not vouched for, and said so. */
  stale: number;
  /** From a state that upstream had changed before, however little. */
  older: number;
  /** Of those, how long ago it had, at most. */
  longestOlder: number;
  /** The longest wait for an answer. */
  longestWait: number;
}

/**
 * A fleet in simulated time: sidecars with a Redis Cluster that consumers of upstream's changes keep fresh. Every check is one
 * event; processors, Redis and upstream are queues with measured costs. Seconds.
 */
export class SimulatedFleet {
  readonly upstream = new Queue();
  readonly redis: readonly Queue[];
  readonly seconds: SecondOfAnswers[] = [];
  readonly #size: FleetSize;
  readonly #random: () => number;
  readonly #sidecars: readonly Sidecar[];
  readonly #consumers = new Queue();
  /** How often a customer has changed, and when last. */
  readonly #versions: Int32Array;
  readonly #changedAt: Float32Array;
  /** The version in Redis, -1: none; from when it can be read. */
  readonly #stored: Int32Array;
  readonly #storedAt: Float32Array;
  /** When a fetch ends that one sidecar does for all. */
  readonly #leases: Float32Array;
  /** Changes that no consumer has dealt with, the oldest first, and when their message is there. */
  readonly #messages: { readonly customer: number; readonly at: number }[] = [];
  #nextMessage = 0;
  #now = 0;

  constructor(size: FleetSize) {
    this.#size = size;
    this.#random = randomNumbers(size.seed);
    this.redis = Array.from({ length: size.redisNodes }, () => new Queue());
    this.#sidecars = Array.from({ length: size.sidecars }, () => ({
      held: new HeldStates(),
      processor: new Queue(),
      fetches: new Queue(),
      startedAt: -Infinity,
      trustSince: -Infinity,
    }));
    this.#versions = new Int32Array(size.customers);
    this.#changedAt = new Float32Array(size.customers);
    this.#stored = new Int32Array(size.customers);
    this.#storedAt = new Float32Array(size.customers);
    this.#leases = new Float32Array(size.customers);
    for (let customer = 0; customer < size.customers; customer++)
      if (this.#random() >= size.redisShare) this.#stored[customer] = -1;
  }

  get now(): number {
    return this.#now;
  }

  /** Messages that wait for a consumer. */
  get backlog(): number {
    return this.#messages.length - this.#nextMessage;
  }

  run(until: number): void {
    const { checks, changes } = this.#size;
    while (this.#now < until - STEP / 2) {
      this.#times(changes, () => this.#change());
      this.#consume();
      this.#times(checks, () => this.#check(this.#now + this.#random() * STEP));
      this.#now += STEP;
    }
  }

  upstreamGoesDown(seconds: number): void {
    this.upstream.goDown(this.#now + seconds);
  }

  /** Redis comes back after a while, empty. */
  redisIsLost(seconds: number): void {
    for (const node of this.redis) node.goDown(this.#now + seconds);
    this.#stored.fill(-1);
    for (const sidecar of this.#sidecars) sidecar.trustSince = this.#now;
  }

  sidecarsRestart(count: number): void {
    for (const sidecar of this.#sidecars.slice(0, count)) {
      sidecar.held.clear();
      sidecar.startedAt = this.#now;
    }
  }

  #times(perSecond: number, act: () => void): void {
    const wanted = perSecond * STEP;
    const count = Math.floor(wanted) + (this.#random() < wanted % 1 ? 1 : 0);
    for (let done = 0; done < count; done++) act();
  }

  #change(): void {
    const customer = Math.floor(this.#random() * this.#size.customers);
    this.#versions[customer]!++;
    this.#changedAt[customer] = this.#now;
    this.#messages.push({ customer, at: this.#now + MESSAGE });
  }

  /** As many at a time as consumers fetch at once. */
  #consume(): void {
    const { consumers, upstreamMs } = this.#size;
    const each = upstreamMs / 1_000 / (consumers * CONCURRENT);
    while (!this.upstream.isDown(this.#now) && this.#consumers.waitAt(this.#now) < STEP) {
      const message = this.#messages[this.#nextMessage];
      if (message === undefined || message.at > this.#now) return;
      this.#nextMessage++;
      const fetchedAt = Math.max(this.#consumers.take(this.#now, each), this.#askUpstream(this.#now));
      this.#store(message.customer, fetchedAt);
    }
  }

  #store(customer: number, at: number): void {
    const node = this.#nodeOf(customer);
    if (node.isDown(at)) return;
    this.#stored[customer] = this.#versions[customer]!;
    this.#storedAt[customer] = node.take(at, 2 / this.#size.redisReads) + NOTICE;
  }

  #check(at: number): void {
    const customer = Math.floor((this.#size.customers + 1) ** this.#random()) - 1;
    const sidecar = this.#sidecars[Math.floor(this.#random() * this.#sidecars.length)]!;
    const { held } = sidecar;
    const slot = held.find(customer);
    if (slot >= 0) {
      const version = held.versionAt(slot);
      const isNoticed = version < this.#stored[customer]! && at >= this.#storedAt[customer]!;
      const verifiedAt = held.verifiedAt(slot);
      // What is kept alone is vouched for until then.
      if (!isNoticed && (verifiedAt >= sidecar.trustSince || verifiedAt > at)) {
        this.#answered(at, at, customer, version, false);
        return;
      }
    }
    this.#miss(sidecar, customer, at, slot < 0 ? -1 : held.versionAt(slot));
  }

  /** @param known the version that the sidecar has, not vouched for; -1: none */
  #miss(sidecar: Sidecar, customer: number, at: number, known: number): void {
    const { missMicros, coldFactor } = this.#size;
    const cost = (missMicros / 1e6) * (at - sidecar.startedAt < COLD_SECONDS ? coldFactor : 1);
    // Beyond what can be answered in time, who comes is answered at once.
    if (sidecar.processor.waitAt(at) > BUDGET) {
      this.#unknown(at, at, customer, known);
      return;
    }
    const node = this.#nodeOf(customer);
    const doneAt = sidecar.processor.take(at, cost);
    if (!node.isDown(at)) {
      const readAt = Math.max(doneAt, node.take(at, 1 / this.#size.redisReads) + ROUND_TRIP);
      const stored = this.#stored[customer]!;
      if (stored >= 0) {
        sidecar.held.put(customer, stored, readAt);
        if (readAt - at > BUDGET) this.#unknown(at, at + BUDGET, customer, known);
        else this.#answered(at, readAt, customer, stored, false);
        return;
      }
    }
    this.#fetch(sidecar, customer, at, doneAt, known);
  }

  #fetch(sidecar: Sidecar, customer: number, at: number, from: number, known: number): void {
    // A breaker is open: nobody waits for what does not come.
    if (this.upstream.isDown(from)) {
      this.#unknown(at, from, customer, known);
      return;
    }
    const isShared = !this.#nodeOf(customer).isDown(at);
    const lease = isShared ? this.#leases[customer]! : 0;
    let endsAt: number;
    if (lease > at) endsAt = lease;
    else {
      if (sidecar.fetches.waitAt(at) > BUDGET) {
        this.#unknown(at, at, customer, known);
        return;
      }
      // A place is taken until the answer is there.
      endsAt = this.#askUpstream(Math.max(from, at + sidecar.fetches.waitAt(at)));
      sidecar.fetches.take(from, (endsAt - from) / CONCURRENT);
      sidecar.processor.take(at, this.#size.fetchMicros / 1e6);
      if (isShared) {
        this.#leases[customer] = endsAt;
        this.#store(customer, endsAt);
      }
    }
    // Late answers are kept; alone, they are vouched for a while.
    sidecar.held.put(customer, this.#versions[customer]!, isShared ? endsAt : endsAt + ALONE);
    if (endsAt - at > BUDGET) this.#unknown(at, at + BUDGET, customer, known);
    else this.#answered(at, endsAt, customer, this.#versions[customer]!, false);
  }

  #askUpstream(at: number): number {
    return this.upstream.take(at, 1 / this.#size.upstreamReads) + this.#size.upstreamMs / 1_000;
  }

  #nodeOf(customer: number): Queue {
    return this.redis[customer % this.redis.length]!;
  }

  /** @param known what serves, and says that it may be old; -1: nothing does */
  #unknown(asked: number, at: number, customer: number, known: number): void {
    if (known >= 0) this.#answered(asked, at, customer, known, true);
    else {
      const second = this.#second(asked);
      second.answers++;
      second.made++;
      second.longestWait = Math.max(second.longestWait, at - asked);
    }
  }

  #answered(asked: number, at: number, customer: number, version: number, isStale: boolean): void {
    const second = this.#second(asked);
    second.answers++;
    if (isStale) second.stale++;
    second.longestWait = Math.max(second.longestWait, at - asked);
    if (version >= this.#versions[customer]!) return;
    second.older++;
    second.longestOlder = Math.max(second.longestOlder, at - this.#changedAt[customer]!);
  }

  #second(at: number): SecondOfAnswers {
    return (this.seconds[Math.floor(at)] ??= {
      answers: 0,
      made: 0,
      stale: 0,
      older: 0,
      longestOlder: 0,
      longestWait: 0,
    });
  }
}
