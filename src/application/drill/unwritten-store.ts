import type { Standing } from "../../domain/freshness/freshness.js";
import type { Subject } from "../../domain/subject.js";
import type {
  CachedState,
  CacheSize,
  CacheStore,
  FetchedState,
  LoadedState,
  StoredState,
} from "../../ports/cache-store.js";

/** Another store as it is, to which nothing is written: what is learnt in a drill is for its calls alone. */
export class UnwrittenStore implements CacheStore {
  readonly #store: CacheStore;

  constructor(store: CacheStore) {
    this.#store = store;
  }

  get isSlow(): boolean {
    return this.#store.isSlow;
  }

  get size(): CacheSize {
    return this.#store.size;
  }

  peek(customerId: string, resourceId: string | undefined): CachedState | undefined {
    return this.#store.peek(customerId, resourceId);
  }

  find(subject: Subject): LoadedState | undefined {
    return this.#store.find(subject);
  }

  refuses(subject: Subject): boolean {
    return this.#store.refuses(subject);
  }

  load(subject: Subject, waitMs?: number): Promise<LoadedState | undefined> {
    return this.#store.load(subject, waitMs);
  }

  put(_: Subject, fetched: FetchedState): Promise<StoredState> {
    return Promise.resolve(fetched);
  }

  apply(): Promise<void> {
    return Promise.resolve();
  }

  forget(): Promise<void> {
    return Promise.resolve();
  }

  markAllUnverified(): Promise<void> {
    return Promise.resolve();
  }

  recentlyUsed(limit: number): Iterable<Subject> {
    return this.#store.recentlyUsed(limit);
  }

  holdings(): Iterable<Standing> {
    return this.#store.holdings();
  }
}
