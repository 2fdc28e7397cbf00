import type { Subject } from "../../domain/subject.js";

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

/** A string, or a sign that opens, divides or closes. */
const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],]/g;

/**
 * A JSON object, or array, cut behind each of its members: the first part begins with what opens it, each further one with
 * its comma, and the last one is what closes it.
 *
 * @param text valid JSON
 * @param at where the object or the array begins
 * @returns undefined where there is none, or it is empty
 */
export function partsAt(
  text: string,
  at: number,
): { readonly parts: readonly string[]; readonly end: number } | undefined {
  if (text[at] !== "{" && text[at] !== "[") return undefined;
  const parts: string[] = [];
  let from = at;
  let depth = 0;
  TOKEN.lastIndex = at;
  for (let match = TOKEN.exec(text); match !== null; match = TOKEN.exec(text)) {
    const [token] = match;
    if (token === "{" || token === "[") depth++;
    else if (token === "}" || token === "]") depth--;
    const isDivider = token === "," && depth === 1;
    if (!isDivider && depth > 0) continue;
    if (match.index > from) parts.push(text.slice(from, match.index));
    from = match.index;
    if (depth > 0) continue;
    parts.push(text.slice(from, from + 1));
    return parts.length === 1 || (parts[0]?.length ?? 0) === 1 ? undefined : { parts, end: from + 1 };
  }
  return undefined;
}

const DAY_MS = 86_400_000;
const SHORTEST_MONTH = 28;

/** A day's beginning is worked out once for all timestamps of it. */
let knownDay = "";
let knownDayMs = NaN;

/**
 * The time that stands in a text in the form 2026-01-01T00:00:00.000Z.
 *
 * @returns epoch milliseconds; NaN where there is none in this form
 */
function timestampAt(text: string, at: number): number {
  if (
    text[at + 10] !== "T" ||
    text[at + 13] !== ":" ||
    text[at + 16] !== ":" ||
    text[at + 19] !== "." ||
    text[at + 23] !== "Z"
  )
    return NaN;
  const day = text.slice(at, at + 10);
  if (day !== knownDay) {
    knownDayMs = beginningOf(day);
    knownDay = day;
  }
  const hours = digits(text, at + 11, 2);
  const minutes = digits(text, at + 14, 2);
  const seconds = digits(text, at + 17, 2);
  if (!(hours < 24 && minutes < 60 && seconds < 60)) return NaN;
  return knownDayMs + hours * 3_600_000 + minutes * 60_000 + seconds * 1_000 + digits(text, at + 20, 3);
}

function beginningOf(day: string): number {
  if (day[4] !== "-" || day[7] !== "-") return NaN;
  const year = digits(day, 0, 4);
  const month = digits(day, 5, 2);
  const ofMonth = digits(day, 8, 2);
  if (!(year >= 1000 && month >= 1 && month <= 12 && ofMonth >= 1)) return NaN;
  if (ofMonth <= SHORTEST_MONTH) return Date.UTC(year, month - 1) + (ofMonth - 1) * DAY_MS;
  const timestamp = Date.parse(`${day}T00:00:00.000Z`);
  return Number.isNaN(timestamp) ? NaN : timestamp;
}

/** NaN where one of them is no digit. */
function digits(text: string, at: number, count: number): number {
  let value = 0;
  for (let index = at; index < at + count; index++) {
    const digit = text.charCodeAt(index) - 48;
    if (!(digit >= 0 && digit <= 9)) return NaN;
    value = value * 10 + digit;
  }
  return value;
}

/** Where a field of what a template's text says comes from: a slot, or (at -1) it is always the same. */
export interface FieldSource {
  readonly slot: number;
  readonly constant: number | undefined;
}

/** The value of a field in a text that was matched. */
export function valueOf({ slot, constant }: FieldSource, numbers: Float64Array, base: number): number | undefined {
  return slot < 0 ? constant : numbers[base + slot];
}
