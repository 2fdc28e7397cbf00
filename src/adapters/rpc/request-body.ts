import { constants, type ServerHttp2Stream } from "node:http2";
import { Code, ConnectError } from "@connectrpc/connect";
import { isHttp1, type NodeRequest } from "./node-http.js";

/**
 * The body of a request, chunk by chunk. A reader may stop early, for example at a message that is too
 * large, and the answer still gets out: Node's own iteration would destroy the request then, and with
 * HTTP/1.1 the connection.
 */
export function requestBody(request: NodeRequest): AsyncIterable<Uint8Array> {
  return {
    [Symbol.asyncIterator]() {
      const chunks = request.iterator({ destroyOnReturn: false }) as AsyncIterator<Uint8Array>;
      return {
        async next() {
          const chunk = await chunks.next();
          if (chunk.done === true && wasCutOff(request)) throw new ConnectError("the caller went away", Code.Canceled);
          return chunk;
        },
        async return() {
          await chunks.return?.();
          dropRest(request);
          return { done: true, value: undefined };
        },
      };
    },
  };
}

/** A reset HTTP/2 stream ends as a whole one does: half a report must not be taken for a whole one. */
function wasCutOff(request: NodeRequest): boolean {
  return isHttp1(request) ? !request.complete : request.stream.aborted || request.stream.rstCode !== 0;
}

/** Lets the rest flow by, so that an HTTP/1.1 connection can be used again and no sender waits for room. */
function dropRest(request: NodeRequest): void {
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
