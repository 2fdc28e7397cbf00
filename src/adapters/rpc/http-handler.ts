import { Code, ConnectError } from "@connectrpc/connect";
import { universalRequestFromNodeRequest, universalResponseToNodeResponse } from "@connectrpc/connect-node";
import type { UniversalHandler, UniversalServerRequest, UniversalServerResponse } from "@connectrpc/connect/protocol";
import type { Readiness } from "../../application/readiness.js";
import type { Logger } from "../../ports/logger.js";
import { dropEndlessDeadline } from "./deadline-header.js";
import { checkedFrames } from "./frame-guard.js";
import { withReadableMessage } from "./grpc-message.js";
import { decodeBase64, namedAsBinary, toText } from "./grpc-web-text.js";
import { isHttp1, type NodeRequest, type NodeResponse } from "./node-http.js";
import { protocolOf, type Protocol } from "./protocol-of.js";
import {
  refuse,
  refuseContentType,
  refuseGrpcOverHttp1,
  refuseStreamOverHttp1,
  refuseUnknownMethod,
  refuseVerb,
} from "./refuse-request.js";
import { requestBody, stopUpload } from "./request-body.js";
import { rpcHandlers, type RpcOptions } from "./rpc-router.js";
import { sidecarCalls, type UseCases } from "./sidecar-calls.js";

/** Answers one request of Node's HTTP/1.1 or HTTP/2 server. Never throws. */
export type RpcHandler = (request: NodeRequest, response: NodeResponse) => void;

/** Serves gRPC (over HTTP/2), gRPC-web, gRPC-web-text and Connect (over HTTP/1.1 too): all services, all methods. */
export function createRpcHandler(useCases: UseCases, readiness: Readiness, options: RpcOptions): RpcHandler {
  const handlers = rpcHandlers(sidecarCalls(useCases), readiness, options);

  return (request, response) => {
    // A caller who hangs up is no failure, and without a listener would end the process.
    response.on("error", ignore);
    if (!isHttp1(request)) request.stream.once("wantTrailers", stopUpload);
    const path = pathOf(request);
    const protocol = protocolOf(request.headers["content-type"]);
    if (protocol === "grpc" && isHttp1(request)) {
      refuseGrpcOverHttp1(response);
      return;
    }
    const handler = handlers.get(path);
    if (handler === undefined) {
      refuseUnknownMethod(request, response, protocol, path);
      return;
    }
    if (!handler.allowedMethods.includes(request.method ?? "")) {
      refuseVerb(response, handler.allowedMethods);
      return;
    }
    if (protocol === undefined || !handler.supportedContentType(request.headers["content-type"] ?? "")) {
      refuseContentType(request, response, handler.method.methodKind === "unary");
      return;
    }
    if (handler.method.methodKind === "bidi_streaming" && isHttp1(request)) {
      refuseStreamOverHttp1(response);
      return;
    }
    const universal = universalRequest(request, response, protocol);
    if (universal === undefined) {
      refuse(response, 400, "the request names no host: send a host header");
      return;
    }
    void serve(handler, universal, protocol, response, options.logger);
  };
}

async function serve(
  handler: UniversalHandler,
  request: UniversalServerRequest,
  protocol: Protocol,
  response: NodeResponse,
  logger: Logger,
): Promise<void> {
  try {
    await universalResponseToNodeResponse(finished(await handler(request), protocol), response);
  } catch (error) {
    if (ConnectError.from(error).code === Code.Aborted) return;
    logger.error("an answer could not be written", { method: handler.method.name, error });
    response.destroy();
  }
}

/** What Connect leaves to be done. */
function finished(answer: UniversalServerResponse, protocol: Protocol): UniversalServerResponse {
  if (protocol === "grpc") return withReadableMessage(answer);
  return protocol === "grpc-web-text" ? toText(answer) : answer;
}

function universalRequest(
  request: NodeRequest,
  response: NodeResponse,
  protocol: Protocol,
): UniversalServerRequest | undefined {
  try {
    const universal = universalRequestFromNodeRequest(request, response, undefined, undefined);
    const { header } = universal;
    dropEndlessDeadline(header);
    if (protocol === "grpc-web-text") header.set("content-type", namedAsBinary(header.get("content-type") ?? ""));
    return { ...universal, body: messageBytes(request, protocol) };
  } catch {
    return undefined;
  }
}

function messageBytes(request: NodeRequest, protocol: Protocol): AsyncIterable<Uint8Array> {
  const body = requestBody(request);
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

function pathOf({ url = "" }: NodeRequest): string {
  const query = url.indexOf("?");
  return query === -1 ? url : url.slice(0, query);
}

function ignore(): void {
  // Nobody is left to tell.
}
