import type { EntitlementSet } from "./entitlement-schema.js";
import { MemoryState } from "./memory-state.js";
import type { OwnNumbers } from "./own-numbers.js";

/** How full it may be: beyond it, looking for a customer takes many steps. */
const MAX_LOAD = 0.8;
const FIRST_PLACES = 16;
/** What a place holds, side by side. */
const HASH = 0;
const ID = 1;
const SET = 2;
const OWN = 3;
const MARK = 4;
const GENERATION = 5;
const VERIFIED_SECONDS = 6;
const RECHECK_SECONDS = 7;
const REST = 8;
const WIDTH = 9;

/** In the place of a hash: nobody is here. */
const EMPTY = 0;
const NO_MARK = 0;

type Part = number | string | EntitlementSet | undefined;

/**
 * Customers by their ids: an open table with everything of a customer side by side. What costs time among many
 * customers is not to count but to wait for memory: here for the place, then for the id and the numbers of the state
 * both at once, where a Map has buckets, then entries, then the state, and then its numbers. The state that is read
 * here is therefore made each time anew, from what the place has of it.
 *
 * Hashes are whole numbers of 32 bits but not 0. A customer's position changes when others are added or removed.
 */
export class CustomerTable {
  #parts = emptyParts(FIRST_PLACES);
  #mask = FIRST_PLACES - 1;
  #size = 0;
  #moves = 0;

  get size(): number {
    return this.#size;
  }

  /** Of all customers, and empty. */
  get places(): number {
    return this.#mask + 1;
  }

  /** Grows whenever customers change their positions. */
  get moves(): number {
    return this.#moves;
  }

  /** @returns the position; -1: the customer is not there */
  find(id: string, hash: number): number {
    const parts = this.#parts;
    let at = (hash & this.#mask) * WIDTH;
    for (;;) {
      const found = parts[at + HASH];
      if (found === hash && parts[at + ID] === id) return at;
      if (found === EMPTY) return -1;
      at = this.next(at);
    }
  }

  /** Adds a customer that is not there. */
  add(id: string, hash: number): number {
    if (this.#size >= (this.#mask + 1) * MAX_LOAD) this.#grow();
    this.#size++;
    const at = this.#freePosition(hash);
    this.#parts[at + HASH] = hash;
    this.#parts[at + ID] = id;
    return at;
  }

  remove(at: number): void {
    this.#moves++;
    const parts = this.#parts;
    let gap = at;
    // Whoever stands behind the gap and would rather stand before it moves up: a search ends at an empty place.
    for (let from = this.next(gap); parts[from + HASH] !== EMPTY; from = this.next(from)) {
      if (this.#stepsTo(from, this.#homeOf(parts[from + HASH] as number)) < this.#stepsTo(from, gap)) continue;
      for (let part = 0; part < WIDTH; part++) parts[gap + part] = parts[from + part];
      gap = from;
    }
    parts[gap + HASH] = EMPTY;
    parts[gap + ID] = undefined;
    this.setOwn(gap, undefined);
    parts[gap + MARK] = NO_MARK;
    this.#size--;
  }

  /** The position behind, whether anybody is there or not; behind the last is the first. */
  next(at: number): number {
    return at + WIDTH > this.#mask * WIDTH ? 0 : at + WIDTH;
  }

  /** Undefined where nobody is. */
  idAt(at: number): string | undefined {
    return this.#parts[at + ID] as string | undefined;
  }

  ownAt(at: number): MemoryState | undefined {
    const set = this.#parts[at + SET] as EntitlementSet | undefined;
    if (set === undefined) return undefined;
    const parts = this.#parts;
    const generation = parts[at + GENERATION] as number;
    const verifiedSeconds = parts[at + VERIFIED_SECONDS] as number;
    const recheckSeconds = parts[at + RECHECK_SECONDS] as number;
    return new MemoryState(
      set,
      parts[at + OWN] as OwnNumbers,
      generation,
      verifiedSeconds,
      recheckSeconds,
      parts[at + REST] as number,
    );
  }

  setOwn(at: number, held: MemoryState | undefined): void {
    this.#parts[at + SET] = held?.set;
    this.#parts[at + OWN] = held?.own;
    this.#parts[at + GENERATION] = held?.generation;
    this.#parts[at + VERIFIED_SECONDS] = held?.verifiedSeconds;
    this.#parts[at + RECHECK_SECONDS] = held?.recheckSeconds;
    this.#parts[at + REST] = held?.rest;
  }

  /** When the customer was used, in the words of RecentCustomers. */
  markAt(at: number): number {
    return this.#parts[at + MARK] as number;
  }

  setMark(at: number, mark: number): void {
    this.#parts[at + MARK] = mark;
  }

  *ids(): Iterable<string> {
    for (let at = ID; at < this.#parts.length; at += WIDTH) {
      const id = this.#parts[at] as string | undefined;
      if (id !== undefined) yield id;
    }
  }

  /** The states of all customers; from one step to the next the table may change. */
  *owns(): Iterable<MemoryState> {
    for (let at = 0; at < this.#parts.length; at += WIDTH) {
      const own = this.ownAt(at);
      if (own !== undefined) yield own;
    }
  }

  #homeOf(hash: number): number {
    return (hash & this.#mask) * WIDTH;
  }

  #stepsTo(at: number, from: number): number {
    const steps = at - from;
    return steps < 0 ? steps + this.#parts.length : steps;
  }

  #freePosition(hash: number): number {
    let at = this.#homeOf(hash);
    while (this.#parts[at + HASH] !== EMPTY) at = this.next(at);
    return at;
  }

  #grow(): void {
    this.#moves++;
    const old = this.#parts;
    const places = 2 * (this.#mask + 1);
    this.#parts = emptyParts(places);
    this.#mask = places - 1;
    for (let from = 0; from < old.length; from += WIDTH) {
      const hash = old[from + HASH] as number;
      if (hash === EMPTY) continue;
      const to = this.#freePosition(hash);
      for (let part = 0; part < WIDTH; part++) this.#parts[to + part] = old[from + part];
    }
  }
}

function emptyParts(places: number): Part[] {
  const parts = new Array<Part>(places * WIDTH).fill(undefined);
  for (let at = 0; at < parts.length; at += WIDTH) {
    parts[at + HASH] = EMPTY;
    parts[at + MARK] = NO_MARK;
  }
  return parts;
}

/** How many are remembered. A power of two. */
const REMEMBERED = 4_096;
/** After how many customers that were added or noted a new round begins. */
const ROUND = 32;
/** Keeps counts small whole numbers, which are fastest, for however long a process lives. */
const COUNT_MASK = 0x3fffffff;
const ROUND_MASK = COUNT_MASK >> 1;

/**
 * The customers that were asked for last, and a mark of when each was. A customer is noted once a round, so that
 * those who are asked for all the time cost a check no more than to see that they are.
 */
export class RecentCustomers {
  readonly #ring = new Array<string | undefined>(REMEMBERED).fill(undefined);
  #count = 0;
  #round = 0;
  #inRound = 0;
  #askedMark = 1;

  /** What marks a customer who was asked for in this round. */
  get askedMark(): number {
    return this.#askedMark;
  }

  /** Called when a customer is asked for who does not have the mark of this round. */
  note(customerId: string | undefined): void {
    this.#ring[this.#count & (REMEMBERED - 1)] = customerId;
    this.#count = (this.#count + 1) & COUNT_MASK;
    this.#goOn();
  }

  /** The mark of a customer who is added now, and was not asked for yet. */
  markAdded(): number {
    this.#goOn();
    return 2 * this.#round;
  }

  /** How long ago a mark was given, for comparison. One from a billion rounds ago may seem young. */
  ageOf(mark: number): number {
    return (this.#askedMark - mark) & COUNT_MASK;
  }

  /** Each once, the latest first. */
  latestFirst(): ReadonlySet<string> {
    const customerIds = new Set<string>();
    for (let back = 1; back <= REMEMBERED; back++) {
      const customerId = this.#ring[(this.#count - back) & (REMEMBERED - 1)];
      if (customerId !== undefined) customerIds.add(customerId);
    }
    return customerIds;
  }

  #goOn(): void {
    if (++this.#inRound < ROUND) return;
    this.#inRound = 0;
    this.#round = (this.#round + 1) & ROUND_MASK;
    this.#askedMark = 2 * this.#round + 1;
  }
}
