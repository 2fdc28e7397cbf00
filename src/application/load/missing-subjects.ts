import { saysEntityIsMissing } from "../../domain/decision/access-denied-reason.js";
import { CodedError } from "../../domain/errors.js";
import { mayPredate } from "../../domain/freshness/freshness.js";
import { BoundedSubjects, type Subject } from "../../domain/subject.js";
import type { CacheStore } from "../../ports/cache-store.js";

/** What is remembered at the most. */
export interface MissingBounds {
  readonly count: number;
  /** Of all ids together, bytes: an id may be as long as a request. */
  readonly idBytes: number;
}

/** V8 keeps a text that is not Latin-1 in so many. */
const MAX_BYTES_PER_CHARACTER = 2;

/**
 * Bounds how many subjects are remembered for not being known upstream: whoever asks for ids that do not exist
 * must not drive those that do out of the cache.
 */
export class MissingSubjects {
  readonly #cache: CacheStore;
  readonly #bounds: MissingBounds;
  readonly #known: BoundedSubjects<true>;
  #idBytes = 0;

  constructor(cache: CacheStore, bounds: MissingBounds) {
    this.#cache = cache;
    this.#bounds = bounds;
    this.#known = new BoundedSubjects(bounds.count);
  }

  /**
   * Remembers one more, and has the cache forget those remembered longest where they are too many or too long. Resolves
   * once it has, or cannot.
   */
  async remember(subject: Subject): Promise<void> {
    if (this.#known.has(subject)) return;
    this.#known.set(subject, true);
    this.#idBytes += idBytesOf(subject);
    const forgotten: Promise<void>[] = [];
    while (this.#known.isOverfull || this.#idBytes > this.#bounds.idBytes) {
      // There is one: what is empty is neither too many nor too long.
      const { subject: oldest } = this.#known.takeOldest() as { readonly subject: Subject };
      this.#idBytes -= idBytesOf(oldest);
      forgotten.push(this.#forget(oldest));
    }
    await Promise.all(forgotten);
  }

  async #forget(subject: Subject): Promise<void> {
    try {
      const held = await this.#cache.load(subject);
      // It may have come into being since.
      if (saysEntityIsMissing(held?.state.accessDeniedReason)) await this.#cache.forget(subject);
    } catch (error) {
      // A store out of reach has a bound of its own: what it keeps there expires.
      if (!(error instanceof CodedError)) throw error;
    }
  }
}

function idBytesOf({ customerId, resourceId = "" }: Subject): number {
  return (customerId.length + resourceId.length) * MAX_BYTES_PER_CHARACTER;
}

const DEFAULT_MAX_COUNT = 10_000;

/** Subjects of which only a cache of upstream's could tell when more was needed. Bounded, and forgets none by itself. */
export class LaggingSubjects {
  readonly #known: BoundedSubjects<true>;

  constructor(maxCount = DEFAULT_MAX_COUNT) {
    this.#known = new BoundedSubjects(maxCount);
  }

  has(subject: Subject): boolean {
    return this.#known.has(subject);
  }

  /** @returns false where there are too many already */
  add(subject: Subject): boolean {
    if (!this.#known.hasRoomFor(subject)) return false;
    this.#known.set(subject, true);
    return true;
  }

  delete(subject: Subject): void {
    this.#known.delete(subject);
  }
}

/**
 * Changes of subjects that were not cached, so that nothing could be marked: a cache of upstream's may be behind them for a while.
 * Times are by `Clock.elapsed`. Bounded: of too many, those from longest ago are forgotten.
 */
export class RecentChanges {
  readonly #bySubject: BoundedSubjects<number>;
  #ofAll = -Infinity;

  constructor(maxCount = DEFAULT_MAX_COUNT) {
    this.#bySubject = new BoundedSubjects(maxCount);
  }

  add(subject: Subject, now: number): void {
    this.#bySubject.set(subject, now);
    if (this.#bySubject.isOverfull) this.#bySubject.takeOldest();
  }

  addOfAll(now: number): void {
    this.#ofAll = now;
  }

  /** A customer's change counts for its resources. */
  has({ customerId, resourceId }: Subject, now: number): boolean {
    if (mayPredate(now, this.#ofAll)) return true;
    if (this.#bySubject.size === 0) return false;
    if (mayPredate(now, this.#bySubject.get({ customerId }) ?? -Infinity)) return true;
    return resourceId !== undefined && mayPredate(now, this.#bySubject.get({ customerId, resourceId }) ?? -Infinity);
  }
}
