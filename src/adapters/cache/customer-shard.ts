import { CustomerIndex } from "./customer-index.js";
import { MAP_ENTRY_BYTES, mapBytes, textBytes } from "./heap-sizes.js";
import type { MemoryAccount } from "./memory-account.js";
import type { MemoryState } from "./memory-state.js";
import type { RecentCustomers } from "./recent-customers.js";

/** What a customer takes by being listed: places and columns, of which a part is always empty. */
const ROW_BYTES = 56;
/** What of a shard goes at once, and of how many customers that were used at most one goes: no eviction takes long. */
const EVICTED_SHARE = 0.01;
const CHANCES_PER_EVICTED = 8;
const NOT_USED = 0;
const FIRST_ROWS = 64;

/**
 * A part of all customers, each in a row of columns. A hand goes round the rows: who was not used since it came by
 * last is evicted. So a check has nothing to do for the order of customers but to leave a mark.
 */
export class CustomerShard {
  readonly #account: MemoryAccount;
  readonly #recent: RecentCustomers;
  readonly #onEvicted: (held: MemoryState) => void;
  readonly #index = new CustomerIndex();
  readonly #own: (MemoryState | undefined)[] = [];
  readonly #resources: (Map<string, MemoryState> | undefined)[] = [];
  #hashes = new Int32Array(FIRST_ROWS);
  /** The round of RecentCustomers in which a customer was last asked for, or NOT_USED since the hand came by. */
  #usedIn = new Int32Array(FIRST_ROWS);
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
    const row = this.#index.find(customerId, hash);
    if (row < 0) return undefined;
    const { round } = this.#recent;
    if (this.#usedIn[row] !== round) {
      this.#usedIn[row] = round;
      this.#recent.note(this.#index.idIn(row));
    }
    return resourceId === undefined ? this.#own[row] : this.#resources[row]?.get(resourceId);
  }

  get(customerId: string, hash: number, resourceId: string | undefined): MemoryState | undefined {
    const row = this.#index.find(customerId, hash);
    return resourceId === undefined ? this.#own[row] : this.#resources[row]?.get(resourceId);
  }

  set(customerId: string, hash: number, resourceId: string | undefined, held: MemoryState): void {
    let row = this.#index.find(customerId, hash);
    if (row < 0) row = this.#add(customerId, hash);
    this.#drop(row, resourceId);
    if (resourceId === undefined) this.#own[row] = held;
    else this.#resourcesIn(row).set(resourceId, held);
    this.#count(held.bytes + resourceBytes(resourceId), 1);
  }

  delete(customerId: string, hash: number, resourceId: string | undefined): void {
    const row = this.#index.find(customerId, hash);
    if (row < 0) return;
    this.#drop(row, resourceId);
    this.#removeIfEmpty(row);
  }

  /** From now on the states of a customer's resources are not verified. */
  doubtResources(customerId: string, hash: number): void {
    const resources = this.#resources[this.#index.find(customerId, hash)];
    for (const [resourceId, held] of resources ?? []) resources?.set(resourceId, held.asUnverified());
  }

  /** A customer itself first, as undefined, then its resources, the one that was written longest ago first. */
  resourceIds(customerId: string, hash: number): Iterable<string | undefined> {
    return this.#resourceIdsIn(this.#index.find(customerId, hash));
  }

  /** The ones that the hand comes to last first. */
  *customersByAge(): Iterable<string> {
    const { rowCount } = this.#index;
    for (let back = 1; back <= rowCount; back++) {
      const customerId = this.#index.idIn((this.#hand - back + rowCount) % rowCount);
      if (customerId !== undefined) yield customerId;
    }
  }

  /** Frees a share of the shard, the customers first that were not used for longest, or a part of the only one. */
  evict(): void {
    let toEvict = Math.ceil(this.#index.size * EVICTED_SHARE);
    let chances = toEvict * CHANCES_PER_EVICTED;
    while (toEvict > 0) {
      const row = this.#hand;
      this.#hand = (row + 1) % this.#index.rowCount;
      if (this.#index.idIn(row) === undefined) continue;
      if (this.#index.size === 1) {
        this.#evictPartOf(row);
        return;
      }
      if (this.#usedIn[row] !== NOT_USED && chances-- > 0) this.#usedIn[row] = NOT_USED;
      else {
        for (const resourceId of [...this.#resourceIdsIn(row)]) this.#evictFrom(row, resourceId);
        this.#removeIfEmpty(row);
        toEvict--;
      }
    }
  }

  /** The resource that was written longest ago, or where there is none the customer's own state. */
  #evictPartOf(row: number): void {
    const [oldest] = this.#resources[row]?.keys() ?? [];
    this.#evictFrom(row, oldest);
    this.#removeIfEmpty(row);
  }

  #evictFrom(row: number, resourceId: string | undefined): void {
    const held = this.#drop(row, resourceId);
    if (held !== undefined) this.#onEvicted(held);
  }

  #add(customerId: string, hash: number): number {
    const row = this.#index.add(customerId, hash);
    if (row >= this.#hashes.length) {
      this.#hashes = grown(this.#hashes);
      this.#usedIn = grown(this.#usedIn);
    }
    this.#hashes[row] = hash;
    this.#usedIn[row] = NOT_USED;
    this.#own[row] = undefined;
    this.#resources[row] = undefined;
    this.#count(ROW_BYTES + textBytes(customerId), 0);
    return row;
  }

  #removeIfEmpty(row: number): void {
    if (this.#own[row] !== undefined || this.#resources[row] !== undefined) return;
    this.#count(-ROW_BYTES - textBytes(this.#index.idIn(row)), 0);
    this.#index.remove(row, this.#hashes[row] ?? 0);
  }

  #drop(row: number, resourceId: string | undefined): MemoryState | undefined {
    const resources = this.#resources[row];
    const held = resourceId === undefined ? this.#own[row] : resources?.get(resourceId);
    if (held === undefined) return undefined;
    this.#count(-held.bytes - resourceBytes(resourceId), -1);
    if (resourceId === undefined) this.#own[row] = undefined;
    else resources?.delete(resourceId);
    if (resources?.size === 0) {
      this.#resources[row] = undefined;
      this.#count(-mapBytes(0), 0);
    }
    return held;
  }

  #resourcesIn(row: number): Map<string, MemoryState> {
    const present = this.#resources[row];
    if (present !== undefined) return present;
    const resources = new Map<string, MemoryState>();
    this.#resources[row] = resources;
    this.#count(mapBytes(0), 0);
    return resources;
  }

  *#resourceIdsIn(row: number): Iterable<string | undefined> {
    if (this.#own[row] !== undefined) yield undefined;
    yield* this.#resources[row]?.keys() ?? [];
  }

  #count(bytes: number, subjects: number): void {
    this.#bytes += bytes;
    this.#subjects += subjects;
    this.#account.bytes += bytes;
  }
}

function resourceBytes(resourceId: string | undefined): number {
  return resourceId === undefined ? 0 : MAP_ENTRY_BYTES + textBytes(resourceId);
}

function grown(column: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(2 * column.length);
  larger.set(column);
  return larger;
}
