import { CodedError } from "../../../../domain/errors.js";
import { isAhead, notAhead } from "../../../../domain/freshness/freshness.js";
import { BoundedSubjects, type Subject } from "../../../../domain/subject.js";
import type { Clock } from "../../../../ports/clock.js";
import type { RedisCommands } from "../store/redis-commands.js";
import { readTimestamp } from "../store/redis-keys.js";

/** Of how many subjects, or resources, each kind of mark is remembered: beyond it Redis is asked once more. */
const DEFAULT_MAX_SUBJECTS = 10_000;

/**
 * Since when what is in Redis may have changed: this process missed changes of all, or one subject may have
 * changed. What was found to be true after that is fresh. Timestamps are epoch milliseconds.
 */
export class StaleMarkers {
  readonly #bySubject: BoundedSubjects<number>;
  #ofAll = -Infinity;
  #latest = -Infinity;

  constructor(maxSubjects = DEFAULT_MAX_SUBJECTS) {
    this.#bySubject = new BoundedSubjects(maxSubjects);
  }

  markAllStale(now: number): void {
    this.#ofAll = Math.max(this.#ofAll, now);
  }

  /** A customer's stale marker counts for its resources. Beyond the limit, everything is marked stale. */
  markStale(subject: Subject, now: number): void {
    this.#latest = Math.max(this.#latest, now);
    if (!this.#bySubject.hasRoomFor(subject)) {
      this.#bySubject.clear();
      this.#ofAll = Math.max(this.#ofAll, this.#latest);
      return;
    }
    this.#bySubject.set(subject, now);
  }

  /** @param verifiedAt up to when the state in question is known to have been true */
  isStale({ customerId, resourceId }: Subject, verifiedAt: number, now: number): boolean {
    this.#ofAll = notAhead(this.#ofAll, now);
    if (verifiedAt < this.#ofAll) return true;
    if (verifiedAt < this.#markOf({ customerId }, now)) return true;
    return resourceId !== undefined && verifiedAt < this.#markOf({ customerId, resourceId }, now);
  }

  #markOf(subject: Subject, now: number): number {
    const markedAt = this.#bySubject.get(subject) ?? -Infinity;
    if (!isAhead(markedAt, now)) return markedAt;
    this.#bySubject.set(subject, now);
    return now;
  }
}

/**
 * A note in Redis for all who share it: what was found to be true before a time may have changed, whoever it is of.
 * It is there to be read by processes that start later, and its writing is reported to those that run.
 */
export class SharedStaleMarker {
  readonly key: string;
  readonly #redis: Pick<RedisCommands, "readLate" | "writeNewest">;
  readonly #onRead: (staleBefore: number) => void;
  #isKnown = false;
  #version = 0;
  #reading: Promise<void> | undefined;

  /** @param onRead called with the time, epoch milliseconds, before anything is read that it may be about */
  constructor(
    redis: Pick<RedisCommands, "readLate" | "writeNewest">,
    key: string,
    onRead: (staleBefore: number) => void,
  ) {
    this.key = key;
    this.#redis = redis;
    this.#onRead = onRead;
  }

  get isKnown(): boolean {
    return this.#isKnown;
  }

  /** It may be another from here on. */
  forget(): void {
    this.#version++;
    this.#isKnown = false;
    this.#reading = undefined;
  }

  /** Resolves once it is known, or cannot be: without Redis nothing else is read either, and a user may not be allowed to. */
  know(): Promise<void> {
    if (this.#isKnown) return Promise.resolve();
    if (this.#reading !== undefined) return this.#reading;
    const reading = this.#read().finally(() => {
      if (this.#reading === reading) this.#reading = undefined;
    });
    this.#reading = reading;
    return reading;
  }

  /** @throws CodedError as RedisCommands does */
  async write(staleBefore: number): Promise<void> {
    const stored = await this.#write(Math.ceil(staleBefore));
    // One of a clock that was ahead would keep all others from being told of, until that time has come.
    if (stored !== undefined && isAhead(stored, staleBefore)) await this.#write(stored + 1);
  }

  /** @returns where a later one is there already, that one */
  async #write(updatedAt: number): Promise<number | undefined> {
    const [outcomes] = await this.#redis.writeNewest([
      { writes: [{ key: this.key, value: String(updatedAt), updatedAt }] },
    ]);
    const [written] = outcomes ?? [];
    return written?.outcome === "older" ? written.storedAt : undefined;
  }

  async #read(): Promise<void> {
    const version = this.#version;
    try {
      const [value] = await this.#redis.readLate([this.key], true);
      const staleBefore = readTimestamp(value);
      if (staleBefore !== undefined) this.#onRead(staleBefore);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
    }
    if (version === this.#version) this.#isKnown = true;
  }
}

/**
 * Subjects whose keys in Redis are taken by another, so that they are cached in this process alone for a while: writes
 * to those keys do not concern them. Bounded: of too many, all are forgotten, and looked up in Redis once more.
 */
export class ApartSubjects {
  readonly #clock: Clock;
  readonly #lastsMs: number;
  readonly #endsAt: BoundedSubjects<number>;

  /** @param lastsMs how long until Redis is looked at again, milliseconds */
  constructor(clock: Clock, lastsMs: number, maxSubjects = DEFAULT_MAX_SUBJECTS) {
    this.#clock = clock;
    this.#lastsMs = lastsMs;
    this.#endsAt = new BoundedSubjects(maxSubjects);
  }

  add(subject: Subject): void {
    if (!this.#endsAt.hasRoomFor(subject)) this.#endsAt.clear();
    this.#endsAt.set(subject, this.#clock.elapsed() + this.#lastsMs);
  }

  has(subject: Subject): boolean {
    if (this.#endsAt.size === 0) return false;
    const endsAt = this.#endsAt.get(subject);
    if (endsAt === undefined) return false;
    if (this.#clock.elapsed() < endsAt) return true;
    this.#endsAt.delete(subject);
    return false;
  }

  delete(subject: Subject): void {
    if (this.#endsAt.size > 0) this.#endsAt.delete(subject);
  }
}

/**
 * Remembers, of resources about to be fetched, which state of their customer was in Redis before: what is fetched
 * after that reckons with it, though its own timestamp may be older. Without it, a resource that is older than its
 * customer would be asked for at every check, for ever. Timestamps are epoch milliseconds.
 */
export class CustomerTimestamps {
  readonly #seen: BoundedSubjects<number>;

  constructor(maxResources = DEFAULT_MAX_SUBJECTS) {
    this.#seen = new BoundedSubjects(maxResources);
  }

  /** The first one counts: a fetch may already be under way when a later one is seen. */
  see(resource: Subject, globalUpdatedAt: number): void {
    if (this.#seen.has(resource)) return;
    // Who is forgotten is asked for once more.
    if (!this.#seen.hasRoomFor(resource)) this.#seen.clear();
    this.#seen.set(resource, globalUpdatedAt);
  }

  take(resource: Subject): number | undefined {
    const seen = this.#seen.get(resource);
    if (seen !== undefined) this.#seen.delete(resource);
    return seen;
  }
}

/** How many are asked for in a second before they serve: upstream has to have room for everybody else, too. */
const DEFAULT_MAX_PER_SECOND = 20;

/**
 * States in Redis from before a time until which changes may have been heard by nobody. There are as many as Redis holds, and
 * few of them are another by now: so upstream is asked before they serve only for so many in a second. The others serve, said to
 * be stale, and are verified behind the answer.
 */
export class UnheardStates {
  readonly #clock: Clock;
  readonly #isBusy: () => boolean;
  readonly #maxPerSecond: number;
  #before = -Infinity;
  #secondSince = -Infinity;
  #asked = 0;

  /** @param isBusy whether more is asked for already than can be answered in time */
  constructor(clock: Clock, isBusy: () => boolean, maxPerSecond = DEFAULT_MAX_PER_SECOND) {
    this.#clock = clock;
    this.#isBusy = isBusy;
    this.#maxPerSecond = maxPerSecond;
  }

  /** @param before epoch milliseconds */
  mark(before: number): void {
    this.#before = Math.max(this.#before, before);
  }

  /** Whether a state is to be asked for before it serves; each time that it is counts. @param verifiedAt epoch milliseconds */
  isAskedFirst(verifiedAt: number): boolean {
    this.#before = notAhead(this.#before, this.#clock.now());
    if (verifiedAt >= this.#before || this.#isBusy()) return false;
    const now = this.#clock.elapsed();
    if (now - this.#secondSince >= 1_000) {
      this.#secondSince = now;
      this.#asked = 0;
    }
    return ++this.#asked <= this.#maxPerSecond;
  }
}
