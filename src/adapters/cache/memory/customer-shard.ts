import type { Subject } from "../../../domain/subject.js";
import { CustomerTable, type RecentCustomers } from "./customer-table.js";
import { MEMORY_STATE_BYTES, type MemoryState } from "./memory-state.js";
import { MAP_ENTRY_BYTES, mapBytes, type MemoryAccount, textBytes } from "./shared-pool.js";

/** A place in the table, of which between a fifth and three fifths are empty. */
const PLACE_BYTES = 104;
/** What of a shard goes at once. */
const EVICTED_SHARE = 0.01;
/** How many subjects are named at a time, and how often that is begun anew before all are named at once. */
const SLICE = 250;
const MAX_ATTEMPTS = 4;
/** Among how many the one is chosen that goes. */
const CANDIDATES = 16;

/**
 * A part of all customers. CLOCK-style sampled LRU: evicts the least recently used of each 16
 * entries: nearly the order of use, for which a check has nothing to do but to leave a mark.
 */
export class CustomerShard {
  readonly #account: MemoryAccount;
  readonly #recent: RecentCustomers;
  readonly #onEvicted: (held: MemoryState) => void;
  readonly #table = new CustomerTable();
  readonly #resources = new Map<string, Map<string, MemoryState>>();
  #hand = 0;
  #bytes = 0;
  #subjects = 0;

  constructor(account: MemoryAccount, recent: RecentCustomers, onEvicted: (held: MemoryState) => void) {
    this.#account = account;
    this.#recent = recent;
    this.#onEvicted = onEvicted;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get subjects(): number {
    return this.#subjects;
  }

  /** What is held of a subject that is asked for. On the path of every check. */
  use(customerId: string, hash: number, resourceId: string | undefined): MemoryState | undefined {
    const at = this.#table.find(customerId, hash);
    if (at < 0) return undefined;
    const { askedMark } = this.#recent;
    if (this.#table.markAt(at) !== askedMark) {
      this.#table.setMark(at, askedMark);
      this.#recent.note(this.#table.idAt(at));
    }
    return resourceId === undefined ? this.#table.ownAt(at) : this.#resources.get(customerId)?.get(resourceId);
  }

  get(customerId: string, hash: number, resourceId: string | undefined): MemoryState | undefined {
    if (resourceId !== undefined) return this.#resources.get(customerId)?.get(resourceId);
    const at = this.#table.find(customerId, hash);
    return at < 0 ? undefined : this.#table.ownAt(at);
  }

  set(customerId: string, hash: number, resourceId: string | undefined, held: MemoryState): void {
    let at = this.#table.find(customerId, hash);
    if (at < 0) at = this.#add(customerId, hash);
    this.#drop(at, customerId, resourceId);
    if (resourceId === undefined) this.#table.setOwn(at, held);
    else this.#resourcesOf(customerId).set(resourceId, held);
    this.#count(held.ownBytes + resourceBytes(resourceId), 1);
  }

  delete(customerId: string, hash: number, resourceId: string | undefined): void {
    const at = this.#table.find(customerId, hash);
    if (at < 0) return;
    this.#drop(at, customerId, resourceId);
    this.#removeIfEmpty(at, customerId);
  }

  /** From now on the states of a customer's resources are not verified. */
  markResourcesStale(customerId: string): void {
    const resources = this.#resources.get(customerId);
    for (const [resourceId, held] of resources ?? []) resources?.set(resourceId, held.asUnverified());
  }

  /** A customer itself first, as undefined, then its resources, the one that was written longest ago first. */
  resourceIds(customerId: string, hash: number): Iterable<string | undefined> {
    return this.#resourceIdsAt(this.#table.find(customerId, hash), customerId);
  }

  /** Some at a time; once more from the beginning where customers have changed places meanwhile. */
  *allSubjects(): Iterable<readonly Subject[]> {
    for (let attempt = 1; ; attempt++) {
      const { moves } = this.#table;
      let slice: Subject[] = [];
      let hasMoved = false;
      for (let at = 0, left = this.#table.places; left > 0; at = this.#table.next(at), left--) {
        const customerId = this.#table.idAt(at);
        if (customerId === undefined) continue;
        for (const resourceId of this.#resourceIdsAt(at, customerId)) slice.push({ customerId, resourceId });
        if (slice.length < SLICE || attempt === MAX_ATTEMPTS) continue;
        yield slice;
        slice = [];
        hasMoved = this.#table.moves !== moves;
        if (hasMoved) break;
      }
      if (hasMoved) continue;
      if (slice.length > 0) yield slice;
      return;
    }
  }

  customerIds(): Iterable<string> {
    return this.#table.ids();
  }

  *holdings(): Iterable<MemoryState> {
    yield* this.#table.owns();
    for (const resources of this.#resources.values()) yield* resources.values();
  }

  /** Frees a share of the shard, or a part of the only customer. */
  evict(): void {
    for (let left = Math.ceil(this.#table.size * EVICTED_SHARE); left > 0; left--) {
      const at = this.#leastRecentAhead();
      const customerId = this.#table.idAt(at);
      if (customerId === undefined) return;
      if (this.#table.size === 1) this.#evictPartOf(at, customerId);
      else this.#evictAll(at, customerId);
    }
  }

  /** The position of one of the next few customers. */
  #leastRecentAhead(): number {
    let [leastRecent, greatestAge] = [this.#hand, -1];
    let at = this.#hand;
    for (let seen = 0; seen < CANDIDATES;) {
      if (this.#table.idAt(at) !== undefined) {
        const age = this.#recent.ageOf(this.#table.markAt(at));
        if (age > greatestAge) [leastRecent, greatestAge] = [at, age];
        seen++;
      }
      at = this.#table.next(at);
      if (at === this.#hand) break;
    }
    this.#hand = at;
    return leastRecent;
  }

  #evictAll(at: number, customerId: string): void {
    for (const resourceId of [...this.#resourceIdsAt(at, customerId)]) this.#evictFrom(at, customerId, resourceId);
    this.#removeIfEmpty(at, customerId);
  }

  /** The resource that was written longest ago, or where there is none the customer's own state. */
  #evictPartOf(at: number, customerId: string): void {
    const [oldest] = this.#resources.get(customerId)?.keys() ?? [];
    this.#evictFrom(at, customerId, oldest);
    this.#removeIfEmpty(at, customerId);
  }

  #evictFrom(at: number, customerId: string, resourceId: string | undefined): void {
    const held = this.#drop(at, customerId, resourceId);
    if (held !== undefined) this.#onEvicted(held);
  }

  #add(customerId: string, hash: number): number {
    const at = this.#table.add(customerId, hash);
    this.#table.setMark(at, this.#recent.markAdded());
    this.#count(PLACE_BYTES + textBytes(customerId), 0);
    return at;
  }

  #removeIfEmpty(at: number, customerId: string): void {
    if (this.#table.ownAt(at) !== undefined || this.#resources.has(customerId)) return;
    this.#count(-PLACE_BYTES - textBytes(customerId), 0);
    this.#table.remove(at);
  }

  #drop(at: number, customerId: string, resourceId: string | undefined): MemoryState | undefined {
    const resources = this.#resources.get(customerId);
    const held = resourceId === undefined ? this.#table.ownAt(at) : resources?.get(resourceId);
    if (held === undefined) return undefined;
    this.#count(-held.ownBytes - resourceBytes(resourceId), -1);
    if (resourceId === undefined) this.#table.setOwn(at, undefined);
    else resources?.delete(resourceId);
    if (resources?.size === 0) {
      this.#resources.delete(customerId);
      this.#count(-RESOURCES_BYTES, 0);
    }
    return held;
  }

  #resourcesOf(customerId: string): Map<string, MemoryState> {
    const present = this.#resources.get(customerId);
    if (present !== undefined) return present;
    const resources = new Map<string, MemoryState>();
    this.#resources.set(customerId, resources);
    this.#count(RESOURCES_BYTES, 0);
    return resources;
  }

  *#resourceIdsAt(at: number, customerId: string): Iterable<string | undefined> {
    if (at >= 0 && this.#table.ownAt(at) !== undefined) yield undefined;
    yield* this.#resources.get(customerId)?.keys() ?? [];
  }

  #count(bytes: number, subjects: number): void {
    this.#bytes += bytes;
    this.#subjects += subjects;
    this.#account.bytes += bytes;
  }
}

const RESOURCES_BYTES = MAP_ENTRY_BYTES + mapBytes(0);

function resourceBytes(resourceId: string | undefined): number {
  return resourceId === undefined ? 0 : MAP_ENTRY_BYTES + MEMORY_STATE_BYTES + textBytes(resourceId);
}
