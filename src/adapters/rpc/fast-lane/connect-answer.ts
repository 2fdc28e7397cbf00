import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http2";
import type { Readable } from "node:stream";
import type { UniversalHandler } from "@connectrpc/connect/protocol";
import type { Clock } from "../../../ports/clock.js";
import { dropEndlessDeadline } from "../deadline-header.js";
import { checkedFrames } from "../frame-guard.js";
import { withReadableMessage } from "../grpc-message.js";
import { arrivingWithin, requestBody } from "../request-body.js";

/** A call that the lane began to read and that is not one plain message. */
export interface OddCall {
  readonly headers: IncomingHttpHeaders;
  readonly received: readonly Buffer[];
  /** What is still to come; paused, or at its end. */
  readonly rest: Readable;
  readonly signal: AbortSignal;
}

export interface WholeAnswer {
  readonly headers: OutgoingHttpHeaders;
  readonly body: Buffer;
  readonly trailers: OutgoingHttpHeaders;
}

/** Has Connect's handler answer an odd call, so that what is wrong with a request is explained in one place. */
export async function connectAnswer(
  handlers: ReadonlyMap<string, UniversalHandler>,
  { headers, received, rest, signal }: OddCall,
  bodyTimeoutMs: number,
  clock: Clock,
): Promise<WholeAnswer> {
  const path = headers[":path"] ?? "";
  const handler = handlers.get(path);
  if (handler === undefined) throw new Error(`there is no handler of ${path}`);
  const answer = await handler({
    httpVersion: "2.0",
    method: "POST",
    url: `http://${headers[":authority"] ?? ""}${path}`,
    header: webHeaders(headers),
    body: checkedFrames(arrivingWithin(bodyTimeoutMs, wholeBody(received, rest), clock), "grpc"),
    signal,
  });
  const { status, header, body = [], trailer } = withReadableMessage(answer);
  const frames: Uint8Array[] = [];
  for await (const frame of body) frames.push(frame);
  return {
    headers: { ...Object.fromEntries(header ?? []), ":status": status },
    body: Buffer.concat(frames),
    trailers: Object.fromEntries(trailer ?? []),
  };
}

async function* wholeBody(received: readonly Buffer[], rest: Readable): AsyncIterable<Uint8Array> {
  yield* received;
  if (!rest.readableEnded) yield* requestBody(rest);
}

function webHeaders(headers: IncomingHttpHeaders): Headers {
  const web = new Headers();
  for (const [name, value] of Object.entries(headers) as [string, string | string[]][]) {
    if (name.startsWith(":")) continue;
    for (const one of Array.isArray(value) ? value : [value]) web.append(name, one);
  }
  dropEndlessDeadline(web);
  return web;
}
