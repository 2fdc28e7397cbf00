import type { IncomingMessage, ServerResponse } from "node:http";
import { constants, type Http2ServerRequest, type Http2ServerResponse, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import type { Logger } from "../../../ports/logger.js";

/** Answers a request of either protocol; it must not throw, and owns its own failures. */
export type RequestHandler = (
  request: IncomingMessage | Http2ServerRequest,
  response: ServerResponse | Http2ServerResponse,
) => void;

/**
 * Takes a stream of an HTTP/2 connection as it begins, or leaves it untouched for the handler of requests.
 * As that, it must not throw.
 *
 * @param flags of the frame that began it
 * @returns whether it is taken
 */
export type StreamHandler = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, flags: number) => boolean;

/** What answers whatever comes in on a port. */
export interface RequestHandlers {
  readonly onRequest: RequestHandler;
  /** Asked first, before Node makes a request and a response of a stream. */
  readonly onStream?: StreamHandler | undefined;
}

/** The same handler, except that a fault in it costs the one request and not the process. */
export function contained(handler: RequestHandler, logger: Logger): RequestHandler {
  return (request, response) => {
    try {
      handler(request, response);
    } catch (error) {
      logger.error("a request handler failed", { method: request.method, error });
      if (response.headersSent) response.destroy();
      else response.writeHead(500).end();
    }
  };
}

/** The same for a handler of streams. */
export function containedStream(handler: StreamHandler, logger: Logger): StreamHandler {
  return (stream, headers, flags) => {
    try {
      return handler(stream, headers, flags);
    } catch (error) {
      logger.error("a stream handler failed", { path: headers[":path"], error });
      stream.on("error", () => undefined);
      stream.close(constants.NGHTTP2_INTERNAL_ERROR);
      return true;
    }
  };
}
