import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";

/** A request as Node's servers of either HTTP version hand it over. */
export type NodeRequest = IncomingMessage | Http2ServerRequest;
export type NodeResponse = ServerResponse | Http2ServerResponse;

export function isHttp1(request: NodeRequest): request is IncomingMessage {
  return request.httpVersionMajor === 1;
}

/** Whether the caller is gone, or will be as soon as its connection is torn down. */
export function hasHungUp(response: NodeResponse): boolean {
  return isHttp2Response(response) ? response.stream.destroyed : response.destroyed || response.socket?.destroyed !== false;
}

function isHttp2Response(response: NodeResponse): response is Http2ServerResponse {
  return "stream" in response;
}
