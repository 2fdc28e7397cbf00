import type { DescMessage } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { impossibleDate, mayHoldImpossibleDate } from "../service/json-request-reader.js";
import { inflated, type Inflating } from "./inflate.js";
import { itemsFault, jsonFault, JsonShape, NOT_UTF8, type ShapeBounds, Utf8Parts } from "./message-shape.js";

const PREFIX_BYTES = 5;
const COMPRESSED = 1;

export interface MessageBounds extends ShapeBounds {
  readonly maxMessageBytes: number;
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
 * @throws ConnectError naming the bound and the remedy, by rejection
 */
export async function* boundedMessage(
  body: AsyncIterable<Uint8Array>,
  layout: MessageLayout,
  bounds: MessageBounds,
  inflating: Inflating,
): AsyncIterable<Uint8Array> {
  const { isEnveloped, isGzip } = layout;
  if (layout.isJson && !isEnveloped && !isGzip) {
    yield* boundedJson(body, layout, bounds);
    return;
  }
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  let isTooLong = false;
  for await (const chunk of body) {
    bytes += chunk.length;
    chunks.push(chunk);
    isTooLong ||=
      bytes > bounds.maxMessageBytes + PREFIX_BYTES || (isEnveloped && declaredBytes(chunks) > bounds.maxMessageBytes);
    if (isTooLong) yield* chunks.splice(0);
  }
  if (isTooLong) return;
  const received = joined(chunks);
  const inflate = (message: Buffer) =>
    inflated(message, bounds.maxMessageBytes, (whole) => check(whole, layout, bounds), inflating);
  if (!isEnveloped) {
    if (isGzip && received.length > 0) yield await inflate(received);
    else {
      check(received, layout, bounds);
      yield received;
    }
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
  if (isCompressed && !isGzip) {
    yield received;
    return;
  }
  if (!isCompressed) {
    check(received.subarray(PREFIX_BYTES), layout, bounds);
    yield received;
    return;
  }
  const message = await inflate(received.subarray(PREFIX_BYTES));
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32BE(message.length, 1);
  yield prefix;
  yield message;
}

/** JSON is checked as it comes, and not put together before Connect does: copies of large messages pile up between two collections. */
async function* boundedJson(
  body: AsyncIterable<Uint8Array>,
  { schema }: MessageLayout,
  bounds: MessageBounds,
): AsyncIterable<Uint8Array> {
  const shape = new JsonShape(bounds);
  const utf8 = new Utf8Parts();
  const chunks: Uint8Array[] = [];
  const hasDates = mayHoldImpossibleDate(schema);
  let bytes = 0;
  let fault: string | undefined;
  for await (const chunk of body) {
    bytes += chunk.length;
    const isTooLong = bytes > bounds.maxMessageBytes;
    if (fault === undefined && !isTooLong) fault = utf8.accepts(chunk) ? shape.read(chunk) : NOT_UTF8;
    if (fault !== undefined) {
      chunks.length = 0;
      // What comes behind it up to there flows by: a caller that still sends may miss its answer.
      if (isTooLong) break;
      continue;
    }
    if (hasDates && !isTooLong) chunks.push(chunk);
    // That it is too long is Connect's to say.
    yield chunk;
  }
  if (bytes <= bounds.maxMessageBytes) fault ??= utf8.accepts() ? undefined : NOT_UTF8;
  fault ??= dateFault(joined(chunks), schema);
  if (fault !== undefined) throw new ConnectError(fault, Code.InvalidArgument);
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

function check(message: Buffer, { schema, isJson }: MessageLayout, bounds: MessageBounds): void {
  const fault = isJson
    ? (jsonFault(message, bounds) ?? dateFault(message, schema))
    : itemsFault(message, schema, bounds.maxItems);
  if (fault !== undefined) throw new ConnectError(fault, Code.InvalidArgument);
}

function dateFault(json: Buffer, schema: DescMessage): string | undefined {
  return mayHoldImpossibleDate(schema, json) ? impossibleDate(json.toString(), schema) : undefined;
}

function joined(chunks: readonly Uint8Array[]): Buffer {
  const [first] = chunks;
  return chunks.length === 1 && first !== undefined ? asBuffer(first) : Buffer.concat(chunks);
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
