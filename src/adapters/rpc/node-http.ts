import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";

/** A request as Node's servers of either HTTP version hand it over. */
export type NodeRequest = IncomingMessage | Http2ServerRequest;
export type NodeResponse = ServerResponse | Http2ServerResponse;

export function isHttp1(request: NodeRequest): request is IncomingMessage {
  return request.httpVersionMajor === 1;
}
