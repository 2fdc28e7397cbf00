import type { Readiness } from "../../application/readiness.js";
import { createFastLane } from "./fast-lane/fast-lane.js";
import { hotMethods } from "./fast-lane/hot-methods.js";
import { createHttpHandler, type HttpHandler } from "./http-handler.js";
import type { Lane } from "./http2/lane.js";
import { createJsonLane } from "./json-lane/json-lane.js";
import { jsonMethods } from "./json-lane/json-methods.js";
import { DEFAULT_MAX_MESSAGE_BYTES, rpcHandlers, type RpcOptions } from "./rpc-router.js";
import { sidecarCalls, type UseCases } from "./sidecar-calls.js";

/** What it may take until a request is whole. */
const DEFAULT_BODY_TIMEOUT_MS = 30_000;

export interface RpcHandlerOptions extends RpcOptions {
  /** From the headers of a request over HTTP/2 to the end of its body, milliseconds. Default 30 seconds. */
  readonly bodyTimeoutMs?: number | undefined;
}

/** Answers whatever comes in on a port. */
export interface RpcHandler {
  /** All protocols, all services, all methods. */
  readonly onRequest: HttpHandler;
  /** The same, by Connect alone, to whose answers the lanes are held. */
  readonly byConnect: HttpHandler;
  /** Plain gRPC calls of the methods that check, many times as fast. Without it, `onRequest` answers them too. */
  readonly lane: Lane;
}

export function createRpcHandler(useCases: UseCases, readiness: Readiness, options: RpcHandlerOptions): RpcHandler {
  const { clock, logger, bodyTimeoutMs = DEFAULT_BODY_TIMEOUT_MS, maxMessageBytes = DEFAULT_MAX_MESSAGE_BYTES } = options;
  const handlers = rpcHandlers(sidecarCalls(useCases), readiness, options);
  const byConnect = createHttpHandler(handlers, { timeoutMs: bodyTimeoutMs, clock }, logger);
  return {
    onRequest: createJsonLane(jsonMethods(useCases.check, useCases.list), { clock, logger, maxMessageBytes, answerOdd: byConnect }),
    byConnect,
    lane: createFastLane(hotMethods(useCases.check, useCases.list), { clock, logger, maxMessageBytes, bodyTimeoutMs }),
  };
}
