import { applySubjectChange, type ChangeEffect } from "../../domain/apply-subject-change.js";
import type { SubjectChange } from "../../domain/change.js";
import { newestState } from "../../domain/newest-wins.js";
import type { Subject } from "../../domain/subject.js";
import type { CachedState, CacheSize, CacheStore, FetchedState, HeldState } from "../../ports/cache-store.js";
import type { Telemetry } from "../../ports/telemetry.js";
import { CustomerSlot, UNVERIFIED, type MemoryState } from "./customer-slot.js";
import { LruShard } from "./lru-shard.js";

const SHARDS = 16;

/** States kept in this process, bounded in bytes; the customers used least recently go first. */
export class MemoryCache implements CacheStore {
  readonly #maxBytes: number;
  readonly #shards: readonly LruShard[];
  #generation = 0;

  constructor(maxBytes: number, telemetry: Telemetry) {
    this.#maxBytes = maxBytes;
    this.#shards = Array.from(
      { length: SHARDS },
      () => new LruShard(maxBytes / SHARDS / 2, (slot) => (telemetry.cacheEvictions += slot.subjectCount)),
    );
  }

  peek(customerId: string, resourceId: string | undefined): HeldState | undefined {
    const held = this.#shardOf(customerId).get(customerId)?.get(resourceId);
    return held?.generation === this.#generation ? held : undefined;
  }

  load(subject: Subject): Promise<CachedState | undefined> {
    return Promise.resolve(this.#toCached(this.#held(subject)));
  }

  put(subject: Subject, fetched: FetchedState): Promise<CachedState> {
    const stored = this.#held(subject);
    const held = this.#merge(stored, fetched);
    this.#store(subject, held);
    if (subject.resourceId === undefined && stored !== undefined && held.state.updatedAt !== stored.state.updatedAt) {
      this.#doubtResourcesOf(subject.customerId);
    }
    return Promise.resolve(this.#asCached(held));
  }

  apply(change: SubjectChange, verifiedAt: number): Promise<void> {
    const { subject } = change;
    const stored = this.#held(subject);
    const outcome = applySubjectChange(stored?.state, change);
    switch (outcome.effect) {
      case "replace":
        this.#store(subject, {
          state: outcome.state,
          verifiedAt,
          recheckAt: outcome.state.validUntil,
          generation: this.#generation,
        });
        break;
      case "refine":
        if (stored !== undefined) this.#store(subject, { ...stored, state: outcome.state });
        break;
      case "doubt":
        if (stored !== undefined) this.#store(subject, { ...stored, generation: UNVERIFIED });
        break;
      case "forget":
        this.#remove(subject);
        break;
      case "none":
        break;
    }
    if (subject.resourceId === undefined && mayConcernResources(change, outcome)) this.#doubtResourcesOf(subject.customerId);
    return Promise.resolve();
  }

  forget(subject: Subject): Promise<void> {
    this.#remove(subject);
    return Promise.resolve();
  }

  markAllUnverified(): Promise<void> {
    this.#generation++;
    return Promise.resolve();
  }

  *recentlyUsed(limit: number): Iterable<Subject> {
    const perShard = Math.ceil(limit / SHARDS);
    let left = limit;
    for (const shard of this.#shards) {
      let leftInShard = Math.min(perShard, left);
      for (const slot of shard.slots()) {
        for (const resourceId of slot.resourceIds()) {
          if (leftInShard-- <= 0) break;
          left--;
          yield { customerId: slot.customerId, resourceId };
        }
        if (leftInShard <= 0) break;
      }
    }
  }

  get size(): CacheSize {
    let subjects = 0;
    let bytes = 0;
    for (const shard of this.#shards) {
      subjects += shard.subjects;
      bytes += shard.bytes;
    }
    return { subjects, bytes, maxBytes: this.#maxBytes };
  }

  #merge(stored: MemoryState | undefined, fetched: FetchedState): MemoryState {
    const { state, verifiedAt, recheckAt, isVerified } = fetched;
    if (isVerified) {
      return { state: newestState(stored?.state, state), verifiedAt, recheckAt, generation: this.#generation };
    }
    if (stored === undefined) return { state, verifiedAt, recheckAt, generation: UNVERIFIED };
    // Asked before the change that is stored: only what carries a later moment of its own may replace it.
    const isProvablyNewer =
      state.updatedAt !== undefined && stored.state.updatedAt !== undefined && state.updatedAt > stored.state.updatedAt;
    return isProvablyNewer ? { ...stored, state: newestState(stored.state, state), recheckAt } : stored;
  }

  #store({ customerId, resourceId }: Subject, held: MemoryState): void {
    const shard = this.#shardOf(customerId);
    const slot = shard.peek(customerId) ?? new CustomerSlot(customerId);
    shard.update(customerId, slot, () => slot.set(resourceId, held));
    this.#evictToBound();
  }

  #remove({ customerId, resourceId }: Subject): void {
    const shard = this.#shardOf(customerId);
    const slot = shard.peek(customerId);
    if (slot !== undefined) shard.update(customerId, slot, () => slot.delete(resourceId));
  }

  #doubtResourcesOf(customerId: string): void {
    this.#shardOf(customerId).peek(customerId)?.doubtResources();
  }

  /** Takes from the fullest shard, so that the bound is one for all of them. */
  #evictToBound(): void {
    while (this.size.bytes > this.#maxBytes) {
      let fullest = this.#shards[0] as LruShard;
      for (const shard of this.#shards) if (shard.bytes > fullest.bytes) fullest = shard;
      fullest.evict();
    }
  }

  #held({ customerId, resourceId }: Subject): MemoryState | undefined {
    return this.#shardOf(customerId).peek(customerId)?.get(resourceId);
  }

  #toCached(held: MemoryState | undefined): CachedState | undefined {
    return held === undefined ? undefined : this.#asCached(held);
  }

  #asCached({ state, verifiedAt, recheckAt, generation }: MemoryState): CachedState {
    return { state, verifiedAt, recheckAt, isVerified: generation === this.#generation };
  }

  #shardOf(customerId: string): LruShard {
    return this.#shards[shardIndexOf(customerId)] as LruShard;
  }
}

/** Usage is one subject's own; everything else that happens to a customer can change what its resources may do. */
function mayConcernResources(change: SubjectChange, { effect }: ChangeEffect): boolean {
  if (change.type === "subject-invalidated") return true;
  return effect === "replace" || effect === "doubt" || effect === "forget";
}

/** Ids that are made one after the other differ in their last characters. */
function shardIndexOf(customerId: string): number {
  let hash = customerId.length;
  for (let i = Math.max(0, customerId.length - 8); i < customerId.length; i++) hash = (hash * 31 + customerId.charCodeAt(i)) | 0;
  return (hash ^ (hash >>> 8) ^ (hash >>> 16)) & (SHARDS - 1);
}
