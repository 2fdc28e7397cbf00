import type { UniversalHandler, UniversalServerRequest } from "@connectrpc/connect/protocol";
import type { Clock } from "../../../ports/clock.js";
import { lateRequest } from "../call/call-failure.js";
import type { Protocol } from "../call/served-method.js";
import type { Exchange } from "../exchange/exchange.js";
import { boundedMessage, type MessageBounds } from "./bounded-message.js";
import { checkedFrames } from "./frame-guard.js";
import { decodeBase64, namedAsBinary } from "./grpc-web-text.js";
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
  return { ...request, body: messageBytes(body, request, handler, protocol, options) };
}

function messageBytes(
  body: AsyncIterable<Uint8Array>,
  { header, signal }: { readonly header: Headers; readonly signal: AbortSignal },
  { method }: UniversalHandler,
  protocol: Protocol,
  bounds: MessageBounds,
): AsyncIterable<Uint8Array> {
  const isEnveloped = protocol !== "connect";
  const frames = isEnveloped ? checkedFrames(protocol === "grpc-web-text" ? decodeBase64(body) : body, protocol) : body;
  if (method.methodKind !== "unary") return frames;
  const contentType = header.get("content-type") ?? "";
  const isGzip = header.get(isEnveloped ? "grpc-encoding" : "content-encoding") === "gzip";
  // It is inflated here, where how much it may become is bounded.
  if (isGzip && !isEnveloped) {
    header.delete("content-encoding");
    header.delete("content-length");
  }
  return boundedMessage(
    frames,
    { schema: method.input, isJson: /[/+]json\b/.test(contentType), isEnveloped, isGzip },
    bounds,
    signal,
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
