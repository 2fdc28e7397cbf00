/** A value that many hold, kept once. */
export abstract class Shareable {
  abstract readonly hash: number;
  holders = 0;
  /** Another value of the same pool with the same hash. */
  next: Shareable | undefined = undefined;

  /** What it takes on the heap by itself, now. */
  abstract get bytes(): number;

  /** Called when it comes to have a second holder, for what pays off only then. */
  becomeShared(): void {
    return;
  }

  /** Called when one holder is left. */
  becomeSole(): void {
    return;
  }
}

/** A Map takes long to grow when it is large, so there are several. A power of two. */
const TABLES = 16;

/** Finds the one value that is equal to another, and forgets what nobody holds any more. */
export class SharedPool<T extends Shareable> {
  readonly #account: MemoryAccount;
  readonly #tables: readonly Map<number, T>[] = Array.from({ length: TABLES }, () => new Map<number, T>());

  constructor(account: MemoryAccount) {
    this.#account = account;
  }

  find(hash: number, isEqual: (value: T) => boolean): T | undefined {
    let value = this.#tableOf(hash).get(hash);
    while (value !== undefined && !isEqual(value)) value = value.next as T | undefined;
    return value;
  }

  has(value: T): boolean {
    return this.find(value.hash, (kept) => kept === value) !== undefined;
  }

  /** Keeps a value that was not found; it is held by nobody yet. */
  add(value: T): T {
    const table = this.#tableOf(value.hash);
    value.next = table.get(value.hash);
    table.set(value.hash, value);
    this.#account.bytes += MAP_ENTRY_BYTES + value.bytes;
    return value;
  }

  hold(value: T): T {
    value.holders++;
    if (value.holders === 2) this.#recount(value, () => value.becomeShared());
    return value;
  }

  /** @returns whether that was the last holder, so that the value is forgotten */
  release(value: T): boolean {
    value.holders--;
    if (value.holders === 1) this.#recount(value, () => value.becomeSole());
    if (value.holders > 0) return false;
    this.#account.bytes -= MAP_ENTRY_BYTES + value.bytes;
    this.#remove(value);
    return true;
  }

  #recount(value: T, change: () => void): void {
    this.#account.bytes -= value.bytes;
    change();
    this.#account.bytes += value.bytes;
  }

  #remove(value: T): void {
    const table = this.#tableOf(value.hash);
    const first = table.get(value.hash);
    if (first !== value) {
      let before: Shareable | undefined = first;
      while (before !== undefined && before.next !== value) before = before.next;
      if (before !== undefined) before.next = value.next;
    } else if (value.next === undefined) table.delete(value.hash);
    else table.set(value.hash, value.next as T);
    value.next = undefined;
  }

  #tableOf(hash: number): Map<number, T> {
    return this.#tables[hash & (TABLES - 1)] as Map<number, T>;
  }
}

/** Whether two lists hold the same values in the same order. */
export function haveSameItems<T>(some: readonly T[], others: readonly T[]): boolean {
  if (some.length !== others.length) return false;
  for (let i = 0; i < some.length; i++) if (some[i] !== others[i]) return false;
  return true;
}

/** What things take on V8's heap, bytes, with pointer compression off (Node's builds). */

const WORD = 8;

/** An object of a class or a literal: its shape, two words that are seldom used, and a word for each field. */
export function objectBytes(fields: number): number {
  return (3 + fields) * WORD;
}

/** One byte a character is what most texts take; others take two, which the estimate's margin covers. */
export function textBytes(text: string | undefined): number {
  return text === undefined ? 0 : 2 * WORD + Math.ceil(text.length / WORD) * WORD;
}

/** A text whose characters do not all fit into one byte. */
export function wideTextBytes(length: number): number {
  return 2 * WORD + Math.ceil((2 * length) / WORD) * WORD;
}

/** An array together with its elements, be they references or numbers. */
export function arrayBytes(length: number): number {
  return (6 + length) * WORD;
}

/** A number in a field of its own that is not a small whole one. */
export const BOXED_NUMBER_BYTES = 2 * WORD;

/** A Map: half as many buckets as places, three words a place, places in powers of two. */
export function mapBytes(entries: number): number {
  const places = Math.max(4, 2 ** Math.ceil(Math.log2(Math.max(1, entries))));
  return (9 + 3.5 * places) * WORD;
}

/** One entry's share of a Map that grows: between 28 and 56, since places double. */
export const MAP_ENTRY_BYTES = 42;

/** What a cache takes, bytes, estimated: what customers hold of their own, and once each what they share. */
export class MemoryAccount {
  bytes = 0;
}
