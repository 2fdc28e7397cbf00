import { Code, ConnectError } from "@connectrpc/connect";
import type { UniversalHandler, UniversalServerRequest, UniversalServerResponse } from "@connectrpc/connect/protocol";
import type { Clock } from "../../../ports/clock.js";
import { lateRequest } from "../call/call-failure.js";
import type { Calls } from "../call/calls.js";
import type { Protocol } from "../call/served-method.js";
import type { Exchange } from "../exchange/exchange.js";
import { MAX_FAST_BYTES } from "../exchange/request-handlers.js";
import { boundedMessage, type MessageBounds } from "./bounded-message.js";
import { dropEndlessDeadline } from "./fast-path-headers.js";
import type { Inflating } from "./inflate.js";

export interface BodyOptions extends MessageBounds {
  readonly clock: Clock;
  /** From the headers of a request over HTTP/2 to the end of its body, milliseconds. HTTP/1.1 has a limit of its own. */
  readonly bodyTimeoutMs: number;
}

/** A request as Connect's handlers take it, corrected where they would misread it; undefined where its headers or its host are no such. */
export function universalRequest(
  exchange: Exchange,
  handler: UniversalHandler,
  protocol: Protocol,
  options: BodyOptions,
  calls: Pick<Calls, "takeTurn">,
): UniversalServerRequest | undefined {
  const { authority, peer, target, method, httpVersion } = exchange;
  if (authority === undefined || authority === "") return undefined;
  let url: string;
  let header: Headers;
  try {
    url = new URL(target, `${peer.isEncrypted ? "https" : "http"}://${authority}`).href;
    header = new Headers(exchange.headers as [string, string][]);
  } catch {
    return undefined;
  }
  dropEndlessDeadline(header);
  // Connect would answer in the encoding of the request, which not every client reads that writes it.
  const accepted = protocol === "connect-stream" ? "connect-accept-encoding" : "grpc-accept-encoding";
  if (!header.has(accepted)) header.set(accepted, "identity");
  if (protocol === "grpc-web-text") header.set("content-type", namedAsBinary(header.get("content-type") ?? ""));
  const request = { httpVersion, method, url, header, signal: exchange.signal };
  const isStream = handler.method.methodKind === "bidi_streaming";
  if (isStream) exchange.releaseBodyAsRead();
  // Of a stream in both directions the body is as long as the call.
  const body =
    httpVersion === "1.1" || isStream
      ? exchange.body
      : arrivingWithin(options.bodyTimeoutMs, exchange.body, options.clock);
  if (method === "GET") return { ...request, body };
  return {
    ...request,
    body: messageBytes(
      isStream ? body : endingInTurn(body, () => calls.takeTurn(peer)),
      header,
      handler,
      protocol,
      options,
      { owner: peer, signal: exchange.signal },
    ),
  };
}

function messageBytes(
  body: AsyncIterable<Uint8Array>,
  header: Headers,
  { method }: UniversalHandler,
  protocol: Protocol,
  bounds: MessageBounds,
  inflating: Inflating,
): AsyncIterable<Uint8Array> {
  const isEnveloped = protocol !== "connect";
  const frames = isEnveloped ? checkedFrames(protocol === "grpc-web-text" ? decodeBase64(body) : body, protocol) : body;
  if (method.methodKind !== "unary") return frames;
  const contentType = header.get("content-type") ?? "";
  const encoding = header.get(isEnveloped ? "grpc-encoding" : "content-encoding") ?? "";
  const isGzip = encoding === "gzip";
  // Its bytes are no JSON, whatever they look like: Connect says which encodings are known.
  if (!isEnveloped && !isGzip && encoding !== "" && encoding !== "identity") return frames;
  // It is inflated here, where how much it may become is bounded.
  if (isGzip && !isEnveloped) {
    header.delete("content-encoding");
    header.delete("content-length");
  }
  return boundedMessage(
    frames,
    { schema: method.input, isJson: /[/+]json\b/.test(contentType), isEnveloped, isGzip },
    bounds,
    inflating,
  );
}

/** Throws where not all of the body is there in time: a caller could else hold a stream for ever, a byte at a time. */
export async function* arrivingWithin(
  timeoutMs: number,
  body: AsyncIterable<Uint8Array>,
  clock: Clock,
): AsyncIterable<Uint8Array> {
  let cancelTimer: () => void = () => undefined;
  const late = new Promise<never>((_, reject) => {
    cancelTimer = clock.after(timeoutMs, () => reject(lateRequest(timeoutMs)));
  });
  const chunks = body[Symbol.asyncIterator]();
  let isComplete = false;
  try {
    for (;;) {
      const chunk = await Promise.race([chunks.next(), late]);
      isComplete = chunk.done === true;
      if (chunk.done === true) return;
      yield chunk.value;
    }
  } finally {
    cancelTimer();
    // Not awaited: it waits for the chunk that is late.
    if (!isComplete) void chunks.return?.();
  }
}

/** A large message is decoded behind its last bytes, which those of many connections may have in one turn of the event loop. */
export async function* endingInTurn(
  body: AsyncIterable<Uint8Array>,
  takeTurn: () => Promise<void>,
): AsyncIterable<Uint8Array> {
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    yield chunk;
  }
  if (bytes > MAX_FAST_BYTES) await takeTurn();
}

const FRAME_HEADER_BYTES = 5;

/** Bit 0: compressed. Bit 1: Connect's end of a stream. */
const KNOWN_FLAGS: Readonly<Record<Protocol, number>> = {
  grpc: 0b1,
  "grpc-web": 0b1,
  "grpc-web-text": 0b1,
  connect: 0,
  "connect-stream": 0b11,
  ofrep: 0,
  other: 0,
};

/**
 * Passes on a body of length-prefixed messages, and throws at what Connect would let pass: flags that the
 * protocol does not have, whose meaning would be lost, and a prefix at the end without its message.
 */
export async function* checkedFrames(body: AsyncIterable<Uint8Array>, protocol: Protocol): AsyncIterable<Uint8Array> {
  const known = KNOWN_FLAGS[protocol];
  let headerBytes = 0;
  let length = 0;
  for await (const chunk of body) {
    for (let at = 0; at < chunk.length;) {
      const byte = chunk[at] ?? 0;
      if (headerBytes === FRAME_HEADER_BYTES) {
        const skipped = Math.min(length, chunk.length - at);
        length -= skipped;
        at += skipped;
      } else {
        if (headerBytes === 0 && (byte & ~known) !== 0) throw unknownFlags(byte);
        length = headerBytes === 0 ? 0 : length * 256 + byte;
        headerBytes++;
        at++;
      }
      if (headerBytes === FRAME_HEADER_BYTES && length === 0) headerBytes = 0;
    }
    yield chunk;
  }
  if (headerBytes !== 0) throw new ConnectError("the last message was cut off: send all of it", Code.InvalidArgument);
}

function unknownFlags(flags: number): ConnectError {
  const hex = flags.toString(16).padStart(2, "0");
  return new ConnectError(
    `a message's prefix begins with 0x${hex}: send 00 for plain or 01 for compressed`,
    Code.InvalidArgument,
  );
}

const BINARY = "application/grpc-web";
const TEXT = "application/grpc-web-text";
const TEXT_PREFIX = /^application\/grpc-web-text/i;

/**
 * gRPC-web-text is gRPC-web in base64, for browsers that cannot read binary as it arrives. Connect's own
 * handlers take it for binary, so it is turned into that before them and back after them.
 */
function namedAsBinary(contentType: string): string {
  return contentType.replace(TEXT_PREFIX, BINARY);
}

export function toText(response: UniversalServerResponse): UniversalServerResponse {
  const header = new Headers(response.header);
  header.set("content-type", (header.get("content-type") ?? BINARY).replace(BINARY, TEXT));
  const { body } = response;
  return { ...response, header, ...(body && { body: encodeBase64(body) }) };
}

/** A body may be several base64 texts in a row, each padded by itself, and be cut anywhere on its way. */
export async function* decodeBase64(body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  let rest = "";
  for await (const chunk of body) {
    const text = rest + Buffer.from(chunk).toString("latin1");
    const whole = text.length - (text.length % 4);
    rest = text.slice(whole);
    if (whole > 0) yield decodeGroups(text.slice(0, whole));
  }
  if (rest !== "") throw malformed("its length is not a multiple of 4");
}

const WHOLE_GROUPS = /^(?:[A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{2}(?:==|[A-Za-z0-9+/]=))*$/;
const AFTER_PADDING = /(?<==)(?!=)/;

/** @param text whole groups of four characters */
function decodeGroups(text: string): Uint8Array {
  if (!WHOLE_GROUPS.test(text)) throw malformed("it has characters that base64 does not");
  // Node stops reading at the first padding.
  return Buffer.concat(text.split(AFTER_PADDING).map((part) => Buffer.from(part, "base64")));
}

async function* encodeBase64(body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  for await (const chunk of body) {
    if (chunk.length > 0) yield Buffer.from(Buffer.from(chunk).toString("base64"), "latin1");
  }
}

function malformed(fault: string): ConnectError {
  return new ConnectError(
    `the body is not base64, ${fault}: send base64, or application/grpc-web+proto for binary`,
    Code.InvalidArgument,
  );
}
