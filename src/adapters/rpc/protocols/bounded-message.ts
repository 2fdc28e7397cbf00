import { promisify } from "node:util";
import { gunzip, gunzipSync } from "node:zlib";
import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { impossibleDate } from "../service/json-request-reader.js";

const PREFIX_BYTES = 5;
const COMPRESSED = 1;
/** Lists and maps with the items that hold them: for each item the 20 dimensions that the vendor takes, and more. */
const NESTED_FACTOR = 24;
/** Fields, or values of JSON, known or not: more than any item has. Each costs memory, also where the contract does not have it. */
const FIELDS_FACTOR = 100;
/** Deeper than any request. */
const MAX_DEPTH = 16;

const inflate = promisify<Buffer, { maxOutputLength: number; chunkSize: number }, Buffer>(gunzip);

export interface MessageBounds {
  readonly maxMessageBytes: number;
  /** Items of a list in one message. */
  readonly maxItems: number;
  readonly maxJsonDepth: number;
}

/** How the message of a unary call lies in its body. */
export interface MessageLayout {
  readonly schema: DescMessage;
  readonly isJson: boolean;
  /** Whether it has a prefix with flags and its length. */
  readonly isEnveloped: boolean;
  /** Whether the body as a whole is gzipped; an enveloped message says so itself. */
  readonly isGzip: boolean;
}

/**
 * The one message of a unary call, inflated and checked: what is nested too deep or has too many items costs seconds to decode,
 * all in one turn of the event loop. A body that is no single message is passed on as it is, for Connect to refuse.
 *
 * @param signal aborts once nobody waits for it any more
 * @throws ConnectError naming the bound and the remedy, by rejection
 */
export async function* boundedMessage(
  body: AsyncIterable<Uint8Array>,
  layout: MessageLayout,
  bounds: MessageBounds,
  signal?: AbortSignal,
): AsyncIterable<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  let isTooLong = false;
  for await (const chunk of body) {
    bytes += chunk.length;
    chunks.push(chunk);
    isTooLong ||=
      bytes > bounds.maxMessageBytes + PREFIX_BYTES ||
      (layout.isEnveloped && declaredBytes(chunks) > bounds.maxMessageBytes);
    if (isTooLong) yield* chunks.splice(0);
  }
  if (isTooLong) return;
  const received = chunks.length === 1 && chunks[0] !== undefined ? asBuffer(chunks[0]) : Buffer.concat(chunks);
  if (!layout.isEnveloped) {
    const message = layout.isGzip && received.length > 0 ? await inflated(received, bounds, signal) : received;
    check(message, layout, bounds);
    yield message;
    return;
  }
  if (
    received.length < PREFIX_BYTES ||
    received.readUInt32BE(1) !== received.length - PREFIX_BYTES ||
    (received[0] as number) > COMPRESSED
  ) {
    yield received;
    return;
  }
  const isCompressed = received[0] === COMPRESSED && received.length > PREFIX_BYTES;
  if (isCompressed && !layout.isGzip) {
    yield received;
    return;
  }
  const message = isCompressed
    ? await inflated(received.subarray(PREFIX_BYTES), bounds, signal)
    : received.subarray(PREFIX_BYTES);
  check(message, layout, bounds);
  if (!isCompressed) {
    yield received;
    return;
  }
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32BE(message.length, 1);
  yield prefix;
  yield message;
}

/** How long the message is going to be, as its prefix says; 0 while that is not there. */
function declaredBytes(chunks: readonly Uint8Array[]): number {
  const [first] = chunks;
  const start =
    first !== undefined && first.length >= PREFIX_BYTES
      ? asBuffer(first)
      : Buffer.concat(chunks.slice(0, PREFIX_BYTES));
  return start.length < PREFIX_BYTES ? 0 : start.readUInt32BE(1);
}

/** Small and malformed messages are found out at once; of large ones one is inflated at a time, as each may grow a thousandfold. */
async function inflated(bytes: Buffer, { maxMessageBytes }: MessageBounds, signal?: AbortSignal): Promise<Buffer> {
  const small = Math.min(SMALL_BYTES, maxMessageBytes);
  try {
    return gunzipSync(bytes, { maxOutputLength: small });
  } catch (error) {
    if (!isTooLarge(error)) throw NOT_GZIP;
  }
  const inflating = lastInflated.then(() => {
    // Whoever sent many and went away leaves no queue of them behind.
    if (signal?.aborted === true) throw GONE;
    // In one piece: pieces that are put together afterwards are garbage of the same size again.
    return inflate(bytes, { maxOutputLength: maxMessageBytes, chunkSize: maxMessageBytes });
  });
  lastInflated = inflating.catch(() => undefined);
  try {
    return await inflating;
  } catch (error) {
    if (error === GONE) throw GONE;
    if (!isTooLarge(error)) throw NOT_GZIP;
    throw new ConnectError(
      `the message is larger than ${maxMessageBytes} bytes (MAX_MESSAGE_BYTES) once it is inflated: send less at once`,
      Code.ResourceExhausted,
    );
  }
}

const SMALL_BYTES = 64 * 1024;
const NOT_GZIP = new ConnectError(
  "the message is not gzip, as its headers say: compress it, or name no encoding",
  Code.InvalidArgument,
);
const GONE = new ConnectError("the caller went away before the message was read", Code.Canceled);
let lastInflated: Promise<unknown> = Promise.resolve();

function isTooLarge(error: unknown): boolean {
  return (error as { readonly code?: string }).code === "ERR_BUFFER_TOO_LARGE";
}

function check(message: Buffer, { schema, isJson }: MessageLayout, bounds: MessageBounds): void {
  const fault = isJson
    ? (jsonFault(message, bounds) ?? impossibleDate(message.toString(), schema))
    : itemsFault(message, schema, bounds.maxItems);
  if (fault !== undefined) throw new ConnectError(fault, Code.InvalidArgument);
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

/** What is wrong with the shape of a JSON text: it is read once, from its first to its last byte, and nothing is made of it. */
export function jsonFault(text: Buffer, { maxItems, maxJsonDepth }: MessageBounds): string | undefined {
  let depth = 0;
  let items = 0;
  let containers = 0;
  let values = 0;
  let isInString = false;
  for (let at = 0; at < text.length; at++) {
    const byte = text[at] as number;
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
        if (++values > maxItems * FIELDS_FACTOR) return tooManyFields(maxItems);
        break;
      case OPEN_BRACE:
      case OPEN_BRACKET:
        if (++depth > maxJsonDepth)
          return `the JSON is nested deeper than ${maxJsonDepth} (MAX_JSON_DEPTH): no request needs that`;
        if (depth === ITEM_DEPTH && ++items > maxItems) return tooMany(maxItems);
        if (++containers > maxItems * NESTED_FACTOR) return tooMany(maxItems);
        break;
      case CLOSE_BRACE:
      case CLOSE_BRACKET:
        depth--;
        break;
      default:
    }
  }
  return undefined;
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

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
