import { Code, ConnectError } from "@connectrpc/connect";
import type { UniversalHandler, UniversalServerRequest } from "@connectrpc/connect/protocol";
import type { Clock } from "../../../ports/clock.js";
import { lateRequest } from "../call/call-failure.js";
import type { Protocol } from "../call/served-method.js";
import type { Exchange } from "../exchange/exchange.js";
import { boundedMessage, type MessageBounds } from "./bounded-message.js";
import { decodeBase64, namedAsBinary } from "./grpc-web-text.js";
import type { Inflating } from "./inflate.js";
import { dropEndlessDeadline } from "./timeouts.js";

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
    body: messageBytes(body, header, handler, protocol, options, { owner: peer, signal: exchange.signal }),
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
