import type { Subject } from "../../domain/subject.js";
import { timestampAt } from "./iso-timestamp.js";

/** How many slots a text may have, of all its parts together. */
export const MAX_SLOTS = 8_192;

/** What of a text differs from one subject to the next. */
export const NUMBER = 0;
export const TIMESTAMP = 1;
export const CUSTOMER_ID = 2;
export const RESOURCE_ID = 3;

export type SlotKind = typeof NUMBER | typeof TIMESTAMP | typeof CUSTOMER_ID | typeof RESOURCE_ID;

/** A subject's ids as JSON texts, with their quotes. */
export interface QuotedIds {
  readonly customerId: string;
  readonly resourceId: string | undefined;
}

export function quotedIds({ customerId, resourceId }: Subject): QuotedIds {
  return {
    customerId: JSON.stringify(customerId),
    resourceId: resourceId === undefined ? undefined : JSON.stringify(resourceId),
  };
}

/** The numbers that were found in a text, by slot. */
export interface SlotValues {
  readonly numbers: Float64Array;
  /** Where the last match ended. */
  end: number;
}

const ZERO = 48;
const NINE = 57;
const DOT = 46;
/** So many digits are exact in a double. */
const MAX_DIGITS = 15;
const ISO_LENGTH = '"2026-01-01T00:00:00.000Z"'.length;

/**
 * A JSON text with gaps for what differs: numbers, timestamps and the subject's own ids. Most texts of one kind are one
 * template's, and comparing with it costs a fraction of parsing.
 */
export class JsonTemplate {
  /** One more than there are slots. */
  readonly segments: readonly string[];
  readonly kinds: readonly SlotKind[];

  constructor(segments: readonly string[], kinds: readonly SlotKind[]) {
    this.segments = segments;
    this.kinds = kinds;
  }

  /**
   * Reads a text from a position on; numbers go to the slots from `base` on.
   *
   * @returns whether it is of this template; then `values.end` is the position behind it
   */
  match(text: string, at: number, ids: QuotedIds, values: SlotValues, base: number): boolean {
    const { segments, kinds } = this;
    let position = at;
    for (let index = 0; ; index++) {
      const segment = segments[index] as string;
      // Two texts of one length are compared natively, `startsWith` compares in steps.
      if (text.slice(position, position + segment.length) !== segment) return false;
      position += segment.length;
      if (index === kinds.length) break;
      switch (kinds[index] as SlotKind) {
        case NUMBER:
          position = readNumber(text, position, values.numbers, base + index);
          break;
        case TIMESTAMP:
          position = readTimestamp(text, position, values.numbers, base + index);
          break;
        case CUSTOMER_ID:
          position = skipId(text, position, ids.customerId);
          break;
        case RESOURCE_ID:
          position = ids.resourceId === undefined ? -1 : skipId(text, position, ids.resourceId);
      }
      if (position < 0) return false;
    }
    values.end = position;
    return true;
  }
}

/** @returns the position behind the number, or -1 where it is none of the usual form */
function readNumber(text: string, at: number, numbers: Float64Array, slot: number): number {
  let position = at;
  let value = 0;
  let digit = text.charCodeAt(position);
  while (digit >= ZERO && digit <= NINE) {
    value = value * 10 + (digit - ZERO);
    digit = text.charCodeAt(++position);
  }
  // As JSON has it: no leading zero, and digits on both sides of the point.
  if (position === at || (position > at + 1 && text.charCodeAt(at) === ZERO)) return -1;
  const isFraction = digit === DOT;
  if (isFraction) {
    const point = position;
    do digit = text.charCodeAt(++position);
    while (digit >= ZERO && digit <= NINE);
    if (position === point + 1) return -1;
  }
  if (position - at > MAX_DIGITS || isExponent(digit)) return -1;
  numbers[slot] = isFraction ? Number(text.slice(at, position)) : value;
  return position;
}

function isExponent(unit: number): boolean {
  return unit === 0x65 || unit === 0x45;
}

function readTimestamp(text: string, at: number, numbers: Float64Array, slot: number): number {
  const timestamp = timestampAt(text, at + 1);
  if (Number.isNaN(timestamp) || text.charCodeAt(at) !== 0x22 || text.charCodeAt(at + ISO_LENGTH - 1) !== 0x22)
    return -1;
  numbers[slot] = timestamp;
  return at + ISO_LENGTH;
}

function skipId(text: string, at: number, quoted: string): number {
  return text.startsWith(quoted, at) ? at + quoted.length : -1;
}
