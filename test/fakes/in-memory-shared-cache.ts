import { CodedError } from "../../src/domain/errors.js";
import { sameSubject, type Subject } from "../../src/domain/subject.js";
import type { SharedCache, SharedCacheStatistics, SharedWrite } from "../../src/ports/shared-cache.js";

/** A shared cache in this process, which a test can hold up and break. */
export class InMemorySharedCache implements SharedCache {
  /** Every round trip that was carried out, in order. */
  readonly trips: (readonly SharedWrite[])[] = [];
  readonly purged: Subject[] = [];
  readonly #cached: Subject[];
  readonly #listeners = new Set<() => void>();
  /** Fails with this from now on, until it is undefined. */
  outage: CodedError | undefined;
  /** Customers for whom everything fails, while all others succeed. */
  readonly spoilt = new Set<string>();
  /** What writes wait for. */
  hold: Promise<void> = Promise.resolve();
  /** Whether it has come back from an old copy. */
  isRolledBack = false;
  #isConnected = true;

  constructor(cached: readonly Subject[] = []) {
    this.#cached = [...cached];
  }

  async write(writes: readonly SharedWrite[]): Promise<void> {
    await this.hold;
    this.#failWhereBroken();
    if (writes.some(({ change }) => this.spoilt.has(change.subject.customerId)))
      throw new CodedError("unavailable", "one key is not what it should be");
    this.trips.push(writes);
  }

  isCached(subject: Subject): Promise<boolean> {
    if (this.spoilt.has(subject.customerId))
      return Promise.reject(new CodedError("unavailable", "one key is not what it should be"));
    return Promise.resolve(this.#cached.some((cached) => sameSubject(cached, subject)));
  }

  purge(subject: Subject): Promise<void> {
    this.purged.push(subject);
    return Promise.resolve();
  }

  async *subjects(): AsyncIterable<readonly Subject[]> {
    for (const subject of this.#cached) yield await Promise.resolve([subject]);
  }

  async probe(): Promise<void> {
    await Promise.resolve();
    this.#failWhereBroken();
  }

  hasOlderData(): Promise<boolean> {
    return Promise.resolve(this.isRolledBack);
  }

  statistics(): Promise<SharedCacheStatistics> {
    return Promise.resolve({ hits: 0, misses: 0, memoryBytes: 0 });
  }

  get isConnected(): boolean {
    return this.#isConnected;
  }

  set isConnected(isConnected: boolean) {
    this.#isConnected = isConnected;
    for (const listener of this.#listeners) listener();
  }

  onConnectionChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  #failWhereBroken(): void {
    if (this.outage !== undefined) throw this.outage;
  }
}
