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
