import { universalResponseToNodeResponse } from "@connectrpc/connect-node";
import type { UniversalHandler, UniversalServerRequest, UniversalServerResponse } from "@connectrpc/connect/protocol";
import type { Logger } from "../../ports/logger.js";
import { withReadableMessage } from "./grpc-message.js";
import { toText } from "./grpc-web-text.js";
import { hasHungUp, isHttp1, type NodeRequest, type NodeResponse } from "./node-http.js";
import { protocolOf, type Protocol } from "./protocol-of.js";
import {
  refuse,
  refuseContentType,
  refuseGrpcOverHttp1,
  refuseStreamOverHttp1,
  refuseUnknownMethod,
  refuseVerb,
} from "./refuse-request.js";
import { stopUpload } from "./request-body.js";
import { universalRequest, type BodyLimit } from "./universal-request.js";

/**
 * Answers any request of Node's HTTP/1.1 or HTTP/2 server. Never throws.
 *
 * @param received what was read of the body before, if any
 */
export type HttpHandler = (request: NodeRequest, response: NodeResponse, received?: readonly Uint8Array[]) => void;

/**
 * Serves gRPC (over HTTP/2), gRPC-web, gRPC-web-text and Connect (over HTTP/1.1 too).
 *
 * @param handlers all methods of all services, by path
 * @param limit on the body of a request over HTTP/2
 */
export function createHttpHandler(
  handlers: ReadonlyMap<string, UniversalHandler>,
  limit: BodyLimit,
  logger: Logger,
): HttpHandler {
  /** HTTP/1.1 has a limit of its own, and of a stream in both directions the body is as long as the call. */
  function bodyLimit(request: NodeRequest, { method }: UniversalHandler): BodyLimit | undefined {
    return isHttp1(request) || method.methodKind === "bidi_streaming" ? undefined : limit;
  }

  return (request, response, received) => {
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
    const universal = universalRequest(request, response, received, protocol, bodyLimit(request, handler));
    if (universal === undefined) {
      refuse(response, 400, "the request names no host: send a host header");
      return;
    }
    void serve(handler, universal, protocol, response, logger);
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
    if (hasHungUp(response)) return;
    logger.error("an answer could not be written", { method: handler.method.name, error });
    response.destroy();
  }
}

/** What Connect leaves to be done. */
function finished(answer: UniversalServerResponse, protocol: Protocol): UniversalServerResponse {
  if (protocol === "grpc") return withReadableMessage(answer);
  return protocol === "grpc-web-text" ? toText(answer) : answer;
}

function pathOf({ url = "" }: NodeRequest): string {
  const query = url.indexOf("?");
  return query === -1 ? url : url.slice(0, query);
}

function ignore(): void {
  // Nobody is left to tell.
}
