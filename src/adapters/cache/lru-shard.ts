import QuickLRU from "quick-lru";
import type { CustomerSlot } from "./customer-slot.js";
import { RecentCustomers } from "./recent-customers.js";

/** What of a shard goes at once: quick-lru copies all entries at every eviction, however few it drops. */
const EVICTED_SHARE = 0.1;

/**
 * One part of the index of customers, least recently used first to go. quick-lru knows neither bytes nor
 * its own size cheaply, so both are kept here.
 */
export class LruShard {
  readonly #slots: QuickLRU<string, CustomerSlot>;
  readonly #onEvicted: (slot: CustomerSlot) => void;
  readonly #rotateAfterBytes: number;
  readonly #recent = new RecentCustomers();
  #bytes = 0;
  #customers = 0;
  #subjects = 0;
  #grownBytes = 0;
  #rotatedOut: CustomerSlot | undefined;
  #isRotating = false;

  /** @param rotateAfterBytes after how much growth the shard begins anew to tell what is used from what is not */
  constructor(rotateAfterBytes: number, onEvicted: (slot: CustomerSlot) => void) {
    this.#rotateAfterBytes = rotateAfterBytes;
    this.#onEvicted = onEvicted;
    this.#slots = new QuickLRU({ maxSize: Infinity, onEviction: (_, slot) => this.#evicted(slot) });
  }

  get bytes(): number {
    return this.#bytes;
  }

  get subjects(): number {
    return this.#subjects;
  }

  get(customerId: string): CustomerSlot | undefined {
    const slot = this.#slots.get(customerId);
    if (slot !== undefined) this.#recent.note(customerId);
    return slot;
  }

  peek(customerId: string): CustomerSlot | undefined {
    return this.#slots.peek(customerId);
  }

  /** Adds, changes or, once nothing is left in it, removes a customer's slot, and keeps count of it. */
  update(customerId: string, slot: CustomerSlot, change: (slot: CustomerSlot) => void): void {
    const isHeld = this.#slots.get(customerId) === slot;
    const [bytesBefore, subjectsBefore] = isHeld ? [slot.bytes, slot.subjectCount] : [0, 0];
    change(slot);
    const isKept = slot.subjectCount > 0;
    if (isKept && !isHeld) this.#slots.set(customerId, slot);
    if (!isKept && isHeld) this.#slots.delete(customerId);
    this.#customers += Number(isKept) - Number(isHeld);
    this.#subjects += slot.subjectCount - subjectsBefore;
    this.#count((isKept ? slot.bytes : 0) - bytesBefore);
  }

  /** Frees a share of the shard, the least recently used customers first, or part of the only one. */
  evict(): void {
    if (this.#customers > 1) {
      this.#grownBytes = 0;
      this.#slots.evict(Math.ceil(this.#customers * EVICTED_SHARE));
      return;
    }
    for (const [customerId, slot] of this.#slots) {
      this.update(customerId, slot, (only) => {
        if (!only.dropOldestResource()) only.delete(undefined);
      });
    }
  }

  /** Most recently used first. */
  *slots(): Iterable<CustomerSlot> {
    const recent = this.#recent.latestFirst();
    for (const customerId of recent) {
      const slot = this.peek(customerId);
      if (slot !== undefined) yield slot;
    }
    for (const [customerId, slot] of this.#slots.entriesDescending()) if (!recent.has(customerId)) yield slot;
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    this.#grownBytes += bytes;
    if (this.#grownBytes > this.#rotateAfterBytes) this.#rotate();
  }

  /**
   * quick-lru moves an entry that is read only from its older generation to the younger one, and begins a
   * new generation when entries are counted out or evicted. Bytes are what is bounded here, so generations
   * are begun by evicting one entry and putting it back.
   */
  #rotate(): void {
    this.#grownBytes = 0;
    this.#isRotating = true;
    this.#slots.evict(1);
    this.#isRotating = false;
    if (this.#rotatedOut !== undefined) this.#slots.set(this.#rotatedOut.customerId, this.#rotatedOut);
    this.#rotatedOut = undefined;
  }

  #evicted(slot: CustomerSlot): void {
    if (this.#isRotating) {
      this.#rotatedOut = slot;
      return;
    }
    this.#customers--;
    this.#subjects -= slot.subjectCount;
    this.#bytes -= slot.bytes;
    this.#onEvicted(slot);
  }
}
