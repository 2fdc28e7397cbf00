import { constants, type ServerHttp2Stream } from "node:http2";
import type { Readable } from "node:stream";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Clock } from "../../ports/clock.js";

/**
 * The body of a request, chunk by chunk; it throws where the caller goes away before the end. A reader may
 * stop early, for example at a message that is too large, and the answer still gets out: Node's own iteration
 * would destroy the request then, and with HTTP/1.1 the connection.
 */
export function requestBody(request: Readable): AsyncIterable<Uint8Array> {
  return {
    [Symbol.asyncIterator]() {
      const chunks = request.iterator({ destroyOnReturn: false }) as AsyncIterator<Uint8Array>;
      return {
        next: () => chunks.next(),
        async return() {
          await chunks.return?.();
          dropRest(request);
          return { done: true, value: undefined };
        },
      };
    },
  };
}

/** The same for a request of which something, or everything, was read before. */
export async function* restOfBody(received: readonly Uint8Array[], request: Readable): AsyncIterable<Uint8Array> {
  try {
    yield* received;
    if (!request.readableEnded) yield* requestBody(request);
  } finally {
    dropRest(request);
  }
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
  let isWhole = false;
  try {
    for (;;) {
      const chunk = await Promise.race([chunks.next(), late]);
      isWhole = chunk.done === true;
      if (chunk.done === true) return;
      yield chunk.value;
    }
  } finally {
    cancelTimer();
    // Not awaited: it waits for the chunk that is late.
    if (!isWhole) void chunks.return?.();
  }
}

export function lateRequest(timeoutMs: number): ConnectError {
  return new ConnectError(`the request was not whole after ${timeoutMs} ms: send it at once`, Code.DeadlineExceeded);
}

/** Lets the rest flow by, so that an HTTP/1.1 connection can be used again and no sender waits for room. */
function dropRest(request: Readable): void {
  // Not at once: flowing is off for as long as the iterator's listener is only about to be removed.
  setImmediate(() => request.resume());
}

/**
 * Tells a caller that goes on sending after its answer that nobody listens any more; its stream would else stay
 * open for as long as it likes. A listener for "wantTrailers", which comes when all but those is sent.
 */
export function stopUpload(this: ServerHttp2Stream): void {
  // At once, the close would overtake the trailers, and with them the status.
  if (!this.readableEnded) setImmediate(() => this.close(constants.NGHTTP2_NO_ERROR));
}
