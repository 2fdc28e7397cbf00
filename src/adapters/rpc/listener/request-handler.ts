import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type { Logger } from "../../../ports/logger.js";
import type { Lane } from "../http2/lane.js";

/** Answers a request of either protocol; it must not throw, and owns its own failures. */
export type RequestHandler = (
  request: IncomingMessage | Http2ServerRequest,
  response: ServerResponse | Http2ServerResponse,
) => void;

/** What answers whatever comes in on a port. */
export interface RequestHandlers {
  readonly onRequest: RequestHandler;
  /** Asked first, of requests over HTTP/2. */
  readonly lane?: Lane | undefined;
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
