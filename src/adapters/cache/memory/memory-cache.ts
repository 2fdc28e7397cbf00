import { applySubjectChange, concernsResources, type SubjectChange } from "../../../domain/change.js";
import type { CustomerState } from "../../../domain/customer-state.js";
import { becomes, EVENT_OF_EFFECT, type FreshnessEvent, type Standing } from "../../../domain/freshness/freshness.js";
import { newestState } from "../../../domain/newest-wins.js";
import type { Subject } from "../../../domain/subject.js";
import type {
  CachedState,
  CacheSize,
  CacheStore,
  FetchedState,
  LoadedState,
  StoredState,
} from "../../../ports/cache-store.js";
import type { Telemetry } from "../../../ports/telemetry.js";
import { CustomerShard } from "./customer-shard.js";
import { RecentCustomers } from "./customer-table.js";
import { HASH_SEED, mixHash, mixText } from "./feature-terms.js";
import { type CompactState, MemoryState, UNVERIFIED } from "./memory-state.js";
import { MemoryAccount } from "./shared-pool.js";
import { StateCompactor } from "./state-compactor.js";

/** A table that grows is copied at once, and one of sixteen takes a sixteenth of the time. */
const SHARD_BITS = 4;
const SHARDS = 2 ** SHARD_BITS;

/** States kept in this process, bounded in bytes; the customers used least recently go first. */
export class MemoryCache implements CacheStore {
  readonly isSlow = false;
  readonly #maxBytes: number;
  readonly #account = new MemoryAccount();
  readonly #compactor = new StateCompactor(this.#account);
  readonly #recent = new RecentCustomers();
  readonly #shards: readonly CustomerShard[];
  /** Another in each process, so that nobody can choose ids that all have one hash. */
  readonly #hashSeed = mixHash(HASH_SEED, Math.trunc(Math.random() * 2 ** 32));
  #generation = 0;
  #onChange: ((subject: Subject) => void) | undefined;

  constructor(maxBytes: number, telemetry: Telemetry) {
    this.#maxBytes = maxBytes;
    const evicted = (held: MemoryState) => {
      this.#compactor.release(held);
      telemetry.cacheEvictions++;
    };
    this.#shards = Array.from({ length: SHARDS }, () => new CustomerShard(this.#account, this.#recent, evicted));
  }

  peek(customerId: string, resourceId: string | undefined): CachedState | undefined {
    const hash = this.#hashOf(customerId);
    const held = this.#shardOf(hash).use(customerId, hash, resourceId);
    return held?.generation === this.#generation ? held : undefined;
  }

  refuses(): boolean {
    return false;
  }

  load(subject: Subject): Promise<LoadedState | undefined> {
    return Promise.resolve(this.find(subject));
  }

  find(subject: Subject): LoadedState | undefined {
    const held = this.#held(subject);
    return held === undefined ? undefined : this.#asCached(held);
  }

  put(subject: Subject, fetched: FetchedState): Promise<StoredState> {
    return Promise.resolve(this.keep(subject, fetched));
  }

  /** What `put` resolves with. */
  keep(subject: Subject, fetched: FetchedState): StoredState {
    const stored = this.#held(subject);
    const known = this.#merge(stored, fetched);
    const held = known instanceof MemoryState ? known : this.#store(subject, known);
    if (subject.resourceId === undefined && stored !== undefined && held.state.updatedAt !== stored.state.updatedAt) {
      this.markResourcesStale(subject.customerId);
    }
    return this.#asCached(held);
  }

  /** A state in compact form; what it shares with others stays ready until it is released. */
  hold(state: CustomerState): CompactState {
    return this.#compactor.keep(state);
  }

  release(state: CompactState): void {
    this.#compactor.release(state);
  }

  apply(change: SubjectChange, verifiedAt: number): Promise<void> {
    const { subject } = change;
    const stored = this.#held(subject);
    const outcome = applySubjectChange(stored?.state, change);
    const generation = this.#generationAfter(EVENT_OF_EFFECT[outcome.effect], stored);
    switch (outcome.effect) {
      case "replace": {
        const { state } = outcome;
        this.#store(subject, { state, verifiedAt, recheckAt: state.validUntil, generation });
        break;
      }
      case "refine":
        if (stored !== undefined) {
          const { verifiedAt, recheckAt } = stored;
          this.#store(subject, { state: outcome.state, verifiedAt, recheckAt, generation });
        }
        break;
      case "mark-stale":
        this.markStale(subject.customerId, subject.resourceId);
        break;
      case "forget":
        this.#replace(subject, undefined);
        break;
      case "none":
        break;
    }
    if (subject.resourceId === undefined && concernsResources(change, outcome))
      this.markResourcesStale(subject.customerId);
    return Promise.resolve();
  }

  /** What is kept of a subject, in the form in which it is. */
  heldOf(subject: Subject): MemoryState | undefined {
    return this.#held(subject);
  }

  /** Keeps a state of another process's, which nothing vouches for; undefined: nothing is kept. */
  restore(subject: Subject, known: CachedState | undefined): void {
    if (known === undefined) this.#replace(subject, undefined);
    else this.#store(subject, { ...known, generation: this.#generationAfter("restored", undefined) });
  }

  /** All subjects, some at a time. One that comes, goes or is evicted meanwhile may be among them or not; no other is left out. */
  *allSubjects(): Iterable<readonly Subject[]> {
    for (const shard of this.#shards) yield* shard.allSubjects();
  }

  /** Calls back for each subject of which another state is kept, or none any more, but for those evicted. */
  onChange(listener: (subject: Subject) => void): void {
    this.#onChange = listener;
  }

  /** From now on what is held of one subject is not verified; at once, and for next to nothing where it is not held. */
  markStale(customerId: string, resourceId: string | undefined): void {
    const hash = this.#hashOf(customerId);
    const shard = this.#shardOf(hash);
    const held = shard.get(customerId, hash, resourceId);
    if (held?.generation === this.#generation) shard.set(customerId, hash, resourceId, held.asUnverified());
  }

  /** The same of all resources of a customer. */
  markResourcesStale(customerId: string): void {
    this.#shardOf(this.#hashOf(customerId)).markResourcesStale(customerId);
  }

  forget(subject: Subject): Promise<void> {
    this.#replace(subject, undefined);
    return Promise.resolve();
  }

  markAllUnverified(): Promise<void> {
    this.#generation++;
    return Promise.resolve();
  }

  *recentlyUsed(limit: number): Iterable<Subject> {
    const subjects = this.#subjectsByRecency(limit);
    for (let left = limit; left > 0; left--) {
      const next = subjects.next();
      if (next.done === true) return;
      yield next.value;
    }
  }

  get size(): CacheSize {
    let subjects = 0;
    for (const shard of this.#shards) subjects += shard.subjects;
    return { subjects, bytes: this.#account.bytes, maxBytes: this.#maxBytes };
  }

  *holdings(): Iterable<Standing> {
    for (const shard of this.#shards) for (const held of shard.holdings()) yield this.#asCached(held);
  }

  *#subjectsByRecency(limit: number): Generator<Subject, undefined> {
    const recent = this.#recent.latestFirst();
    for (const customerId of recent) yield* this.#subjectsOf(customerId);
    const perShard = Math.ceil(limit / SHARDS);
    for (const shard of this.#shards) {
      let left = perShard;
      for (const customerId of shard.customerIds()) {
        if (recent.has(customerId)) continue;
        yield* this.#subjectsOf(customerId);
        if (--left <= 0) break;
      }
    }
    return undefined;
  }

  *#subjectsOf(customerId: string): Iterable<Subject> {
    const hash = this.#hashOf(customerId);
    for (const resourceId of this.#shardOf(hash).resourceIds(customerId, hash)) yield { customerId, resourceId };
  }

  #merge(stored: MemoryState | undefined, fetched: FetchedState): MemoryState | StateToStore {
    const { state, verifiedAt, recheckAt, isVerified } = fetched;
    const generation = this.#generationAfter(isVerified ? "fetched" : "fetch-superseded", stored);
    if (isVerified) return { state: newestState(stored?.state, state), verifiedAt, recheckAt, generation };
    if (stored === undefined) return { state, verifiedAt, recheckAt, generation };
    // Asked before the change that is stored: only what carries a later timestamp of its own may replace it.
    const isProvablyNewer =
      state.updatedAt !== undefined && stored.state.updatedAt !== undefined && state.updatedAt > stored.state.updatedAt;
    if (!isProvablyNewer) return stored;
    return { state: newestState(stored.state, state), verifiedAt: stored.verifiedAt, recheckAt, generation };
  }

  /** What a state carries once something has happened to what was held before. */
  #generationAfter(event: FreshnessEvent, held: MemoryState | undefined): number {
    const before = held === undefined ? "unknown" : held.generation === this.#generation ? "fresh" : "stale";
    return becomes(before, event) === "fresh" ? this.#generation : UNVERIFIED;
  }

  #store(subject: Subject, { state, verifiedAt, recheckAt, generation }: StateToStore): MemoryState {
    const held = MemoryState.of(this.#compactor.keep(state), verifiedAt, recheckAt, generation);
    this.#replace(subject, held);
    this.#evictToBound();
    return held;
  }

  /** The state that was held is released only now, so that what it shares with the next is found. */
  #replace({ customerId, resourceId }: Subject, held: MemoryState | undefined): void {
    const hash = this.#hashOf(customerId);
    const shard = this.#shardOf(hash);
    const before = shard.get(customerId, hash, resourceId);
    if (held === undefined) shard.delete(customerId, hash, resourceId);
    else shard.set(customerId, hash, resourceId, held);
    if (before !== undefined) this.#compactor.release(before);
    this.#onChange?.({ customerId, resourceId });
  }

  /** Takes from the fullest shard, so that the bound is one for all of them. */
  #evictToBound(): void {
    while (this.#account.bytes > this.#maxBytes) {
      let fullest = this.#shards[0] as CustomerShard;
      for (const shard of this.#shards) if (shard.bytes > fullest.bytes) fullest = shard;
      if (fullest.subjects === 0) return;
      fullest.evict();
    }
  }

  #held({ customerId, resourceId }: Subject): MemoryState | undefined {
    const hash = this.#hashOf(customerId);
    return this.#shardOf(hash).get(customerId, hash, resourceId);
  }

  #asCached({ state, verifiedAt, recheckAt, generation }: MemoryState): LoadedState {
    return { state, verifiedAt, recheckAt, isVerified: generation === this.#generation, origin: "memory" };
  }

  /** Never 0. */
  #hashOf(customerId: string): number {
    const hash = mixText(this.#hashSeed, customerId);
    return hash === 0 ? 1 : hash;
  }

  /** By the hash's upper bits: its lower ones are for the place within the shard. */
  #shardOf(hash: number): CustomerShard {
    return this.#shards[hash >>> (32 - SHARD_BITS)] as CustomerShard;
  }
}

/** What a MemoryState is made from. */
interface StateToStore {
  readonly state: CustomerState;
  readonly verifiedAt: number;
  readonly recheckAt: number;
  readonly generation: number;
}
