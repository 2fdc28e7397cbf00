import { isUtf8 } from "node:buffer";
import type { DescField, DescMessage } from "@bufbuild/protobuf";

/** Lists and maps with the items that hold them: for each item the 20 dimensions that the vendor takes, and more. */
const NESTED_FACTOR = 24;
/** Fields, or values of JSON, known or not: more than any item has. Each costs memory, also where the contract does not have it. */
const FIELDS_FACTOR = 100;
/** Deeper than any request. */
const MAX_DEPTH = 16;

export interface ShapeBounds {
  /** Items of a list in one message. */
  readonly maxItems: number;
  readonly maxJsonDepth: number;
}

function tooManyFields(maxItems: number): string {
  return `the request has more than ${maxItems * FIELDS_FACTOR} fields (${FIELDS_FACTOR} for each of MAX_ITEMS_PER_REQUEST): send several requests`;
}

function tooMany(most: number): string {
  return `the request has more than ${most} items (MAX_ITEMS_PER_REQUEST): send several requests`;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
/** In a message at depth 1, a list at 2: its items open at 3. */
const ITEM_DEPTH = 3;
const MAP_VALUE = 2;

/** Read all the same, two ids that differ in such bytes alone would be one (RFC 8259, section 8.1). */
export const NOT_UTF8 = "the text is not UTF-8: encode JSON so";

/** What is wrong with the shape of a JSON text. */
export function jsonFault(text: Uint8Array, bounds: ShapeBounds): string | undefined {
  return isUtf8(text) ? new JsonShape(bounds).read(text) : NOT_UTF8;
}

/** Finds out whether a text that comes in parts is UTF-8. */
export class Utf8Parts {
  readonly #decoder = new TextDecoder("utf-8", { fatal: true });

  /** @returns whether what has come so far may be its beginning, or is it where no part is given */
  accepts(part?: Uint8Array): boolean {
    try {
      this.#decoder.decode(part, { stream: part !== undefined });
      return true;
    } catch {
      return false;
    }
  }
}

/** The shape of a JSON text that comes in parts: each is read once, from its first to its last byte, and nothing is made of it. */
export class JsonShape {
  readonly #bounds: ShapeBounds;
  #depth = 0;
  #items = 0;
  #containers = 0;
  #values = 0;
  #isInString = false;
  #isEscaped = false;

  constructor(bounds: ShapeBounds) {
    this.#bounds = bounds;
  }

  /** @returns what is wrong with it so far */
  read(part: Uint8Array): string | undefined {
    const { maxItems, maxJsonDepth } = this.#bounds;
    let isInString = this.#isInString;
    let at = this.#isEscaped ? 1 : 0;
    for (; at < part.length; at++) {
      const byte = part[at] as number;
      if (isInString) {
        if (byte === BACKSLASH) at++;
        else if (byte === QUOTE) isInString = false;
        continue;
      }
      switch (byte) {
        case QUOTE:
          isInString = true;
          break;
        case COMMA:
          if (++this.#values > maxItems * FIELDS_FACTOR) return tooManyFields(maxItems);
          break;
        case OPEN_BRACE:
        case OPEN_BRACKET:
          if (++this.#depth > maxJsonDepth)
            return `the JSON is nested deeper than ${maxJsonDepth} (MAX_JSON_DEPTH): no request needs that`;
          if (this.#depth === ITEM_DEPTH && ++this.#items > maxItems) return tooMany(maxItems);
          if (++this.#containers > maxItems * NESTED_FACTOR) return tooMany(maxItems);
          break;
        case CLOSE_BRACE:
        case CLOSE_BRACKET:
          this.#depth--;
          break;
        default:
      }
    }
    this.#isInString = isInString;
    this.#isEscaped = at > part.length;
    return undefined;
  }
}

/** What is looked at of a field. */
type FieldShape = Pick<DescField, "number" | "fieldKind" | "message">;

/** What is wrong with the shape of a protobuf message: too many items in lists and maps, or fields. What is malformed is left to who decodes it. */
export function itemsFault(message: Buffer, schema: DescMessage, maxItems: number): string | undefined {
  let nested = 0;
  let read = 0;

  /** @returns what there is too much of */
  function count(from: number, to: number, fields: readonly FieldShape[], depth: number): string | undefined {
    let items = 0;
    for (let at = from; at < to;) {
      const tag = varint(at, to);
      if (tag === undefined) return undefined;
      if (++read > maxItems * FIELDS_FACTOR) return tooManyFields(maxItems);
      at = tag.end;
      switch (tag.value & 7) {
        case 0: {
          const value = varint(at, to);
          if (value === undefined) return undefined;
          at = value.end;
          break;
        }
        case 1:
          at += 8;
          break;
        case 5:
          at += 4;
          break;
        // The begin and the end of a group: what lies between is looked at as if it lay here.
        case 3:
        case 4:
          break;
        case 2: {
          const length = varint(at, to);
          if (length === undefined || length.end + length.value > to) return undefined;
          const field = fields.find(({ number }) => number === Math.floor(tag.value / 8));
          if (field !== undefined && (field.fieldKind === "list" || field.fieldKind === "map")) {
            if (++nested > maxItems * NESTED_FACTOR || (depth === 0 && ++items > maxItems)) return tooMany(maxItems);
          }
          const inner = field === undefined ? undefined : fieldsOf(field);
          const fault =
            inner !== undefined && depth < MAX_DEPTH
              ? count(length.end, length.end + length.value, inner, depth + 1)
              : undefined;
          if (fault !== undefined) return fault;
          at = length.end + length.value;
          break;
        }
        default:
          return undefined;
      }
    }
    return undefined;
  }

  function varint(at: number, to: number): { value: number; end: number } | undefined {
    let value = 0;
    for (let end = at, factor = 1; end < to && end < at + 10; end++, factor *= 128) {
      const byte = message[end] as number;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return { value, end: end + 1 };
    }
    return undefined;
  }

  return count(0, message.length, schema.fields, 0);
}

/** The fields of what lies in a field: of a map those of an entry. Undefined where it is a text or bytes. */
function fieldsOf({ fieldKind, message }: FieldShape): readonly FieldShape[] | undefined {
  if (fieldKind === "map") return message === undefined ? [] : [{ number: MAP_VALUE, fieldKind: "message", message }];
  return message?.fields;
}
