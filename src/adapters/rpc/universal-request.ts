import { universalRequestFromNodeRequest } from "@connectrpc/connect-node";
import type { UniversalServerRequest } from "@connectrpc/connect/protocol";
import type { Clock } from "../../ports/clock.js";
import { dropEndlessDeadline } from "./deadline-header.js";
import { checkedFrames } from "./frame-guard.js";
import { decodeBase64, namedAsBinary } from "./grpc-web-text.js";
import type { NodeRequest, NodeResponse } from "./node-http.js";
import type { Protocol } from "./protocol-of.js";
import { arrivingWithin, requestBody, restOfBody } from "./request-body.js";

export interface BodyLimit {
  readonly timeoutMs: number;
  readonly clock: Clock;
}

/** A request as Connect's handlers take it, put right where they would misread it; undefined where it names no host. */
export function universalRequest(
  request: NodeRequest,
  response: NodeResponse,
  received: readonly Uint8Array[] | undefined,
  protocol: Protocol,
  limit: BodyLimit | undefined,
): UniversalServerRequest | undefined {
  try {
    const universal = universalRequestFromNodeRequest(request, response, undefined, undefined);
    const { header } = universal;
    dropEndlessDeadline(header);
    if (protocol === "grpc-web-text") header.set("content-type", namedAsBinary(header.get("content-type") ?? ""));
    const body = received === undefined ? requestBody(request) : restOfBody(received, request);
    return { ...universal, body: messageBytes(limit ? arrivingWithin(limit.timeoutMs, body, limit.clock) : body, protocol) };
  } catch {
    return undefined;
  }
}

function messageBytes(body: AsyncIterable<Uint8Array>, protocol: Protocol): AsyncIterable<Uint8Array> {
  switch (protocol) {
    case "connect":
      return body;
    case "grpc-web-text":
      return checkedFrames(decodeBase64(body), protocol);
    case "grpc":
    case "grpc-web":
    case "connect-stream":
      return checkedFrames(body, protocol);
  }
}
