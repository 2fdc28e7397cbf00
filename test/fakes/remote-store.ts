import type { SubjectChange } from "../../src/domain/change.js";
import { CodedError } from "../../src/domain/errors.js";
import type { Standing } from "../../src/domain/freshness/freshness.js";
import type { Subject } from "../../src/domain/subject.js";
import type { CacheSize, CacheStore, FetchedState, LoadedState, StoredState } from "../../src/ports/cache-store.js";
import type { Clock } from "../../src/ports/clock.js";

/** A store that is elsewhere: nothing of it is cached, and it can be out of reach, or reached and never answer. */
export class RemoteStore implements CacheStore {
  readonly #store: CacheStore;
  isReachable = true;
  isSlow = false;
  isOverloaded = false;
  /** What this process holds; nothing, unless a test says so. */
  near: CacheStore | undefined;
  /** What is asked is answered when the test says so, by calling `late`. */
  isLate = false;
  readonly late: (() => void)[] = [];
  /** Given: nothing is answered any more, and whoever waits is told so by this clock. */
  hangsBy: Clock | undefined;

  constructor(store: CacheStore) {
    this.#store = store;
  }

  peek(): undefined {
    return undefined;
  }

  find(subject: Subject): LoadedState | undefined {
    return this.near?.find(subject);
  }

  refuses(): boolean {
    return this.isOverloaded;
  }

  load(subject: Subject, waitMs = Infinity): Promise<LoadedState | undefined> {
    const clock = this.hangsBy;
    if (this.isLate && waitMs > 0)
      return new Promise((resolve) => this.late.push(() => resolve(this.#loadElsewhere(subject))));
    if (clock === undefined) return this.#reach(() => this.#loadElsewhere(subject));
    return new Promise((_, reject) => {
      clock.after(waitMs, () => reject(new CodedError("unavailable", "the store does not answer")));
    });
  }

  put(subject: Subject, fetched: FetchedState): Promise<StoredState> {
    return this.#reach(() => this.#store.put(subject, fetched));
  }

  apply(change: SubjectChange, verifiedAt: number): Promise<void> {
    return this.#reach(() => this.#store.apply(change, verifiedAt));
  }

  forget(subject: Subject): Promise<void> {
    return this.#reach(() => this.#store.forget(subject));
  }

  markAllUnverified(): Promise<void> {
    return this.#reach(() => this.#store.markAllUnverified());
  }

  recentlyUsed(limit: number): Iterable<Subject> {
    return this.#store.recentlyUsed(limit);
  }

  get size(): CacheSize {
    return this.#store.size;
  }

  holdings(): Iterable<Standing> {
    return this.#store.holdings();
  }

  async #loadElsewhere(subject: Subject): Promise<LoadedState | undefined> {
    const stored = await this.#store.load(subject);
    return stored && { ...stored, origin: "redis" };
  }

  #reach<T>(reached: () => Promise<T>): Promise<T> {
    return this.isReachable ? reached() : Promise.reject(new CodedError("unavailable", "the store cannot be reached"));
  }
}
