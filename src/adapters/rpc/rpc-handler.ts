import { setMaxListeners } from "node:events";
import type { UniversalHandler } from "@connectrpc/connect/protocol";
import type { Readiness } from "../../application/readiness.js";
import { MAX_ID_BYTES } from "../../domain/subject.js";
import type { CallTelemetry } from "../../ports/call-telemetry.js";
import { lateRequest } from "./call/call-failure.js";
import { Calls, type CallsOptions } from "./call/calls.js";
import { createFastPath } from "./call/fast-path.js";
import { DEFAULT_BODY_TIMEOUT_MS, type RequestHandlers } from "./exchange/request-handlers.js";
import { gateCall, gateFastMethod, type GateSettings } from "./ext-authz/gate-calls.js";
import { fastEvaluationOf } from "./ofrep/fast-evaluation.js";
import { OfrepCalls } from "./ofrep/ofrep-calls.js";
import { withOfrep } from "./ofrep/ofrep-handler.js";
import type { FastPathProtocol, FastProtocol } from "./protocols/fast-path-headers.js";
import {
  CONNECT_JSON_FAST_PATH,
  CONNECT_PROTO_FAST_PATH,
  GRPC_FAST_PATH,
  GRPC_WEB_FAST_PATH,
} from "./protocols/fast-protocols.js";
import { createGeneralPath, type CrossOrigin } from "./protocols/general-path.js";
import { rpcHandlers } from "./protocols/rpc-router.js";
import { methodAt, SERVED_METHODS } from "./service/served-methods.js";
import { fastMethods, type UseCases } from "./service/sidecar-calls.js";

/** What a client of gRPC takes as well unless it is configured otherwise. */
export const DEFAULT_MAX_MESSAGE_BYTES = 4 * 1024 * 1024;
export const DEFAULT_MAX_ITEMS = 1_000;
export const DEFAULT_MAX_JSON_DEPTH = 32;

const FAST_PROTOCOLS: Readonly<Record<FastPathProtocol, FastProtocol>> = {
  grpc: GRPC_FAST_PATH,
  "grpc-web": GRPC_WEB_FAST_PATH,
  "connect-proto": CONNECT_PROTO_FAST_PATH,
  "connect-json": CONNECT_JSON_FAST_PATH,
};

export interface RpcHandlerOptions extends CallsOptions {
  /** Ends the streams that callers keep open (health watches, reflection), and no other call. */
  readonly shutdownSignal: AbortSignal;
  /** A larger message is refused with RESOURCE_EXHAUSTED; counted after decompression. Default 4 MiB. */
  readonly maxMessageBytes?: number | undefined;
  /** Usages or events in one request. Default 1,000. */
  readonly maxItems?: number | undefined;
  /** The longest id of a customer, resource, feature or currency, bytes of UTF-8. Default 4,096. */
  readonly maxIdBytes?: number | undefined;
  /** Default 32. */
  readonly maxJsonDepth?: number | undefined;
  /** From the headers of a request over HTTP/2 to the end of its body, milliseconds. Default 30 seconds. */
  readonly bodyTimeoutMs?: number | undefined;
  /** Whether clients may ask for the descriptors of the services. Default true. */
  readonly hasReflection?: boolean | undefined;
  readonly crossOrigin?: CrossOrigin | undefined;
  /** Whether there is a feature of this id, where all of them are known. */
  readonly isKnownFeature?: ((featureId: string) => boolean) | undefined;
  /** How gateways are answered by Envoy's external authorization protocol; undefined: they are not served. */
  readonly gate?: GateSettings | undefined;
  /** Served beside the services, on the general path. */
  readonly moreHandlers?: ReadonlyMap<string, UniversalHandler> | undefined;
}

/** Answers whatever comes in on a port. */
export interface RpcHandler extends RequestHandlers {
  /** All that one read of a connection brought is dealt with. */
  readonly onTurn: (startedAt: number) => void;
  readonly onExceeded: () => void;
  /** @param connections counts the open ones */
  telemetry(connections: () => number): CallTelemetry;
}

export function createRpcHandler(useCases: UseCases, readiness: Readiness, options: RpcHandlerOptions): RpcHandler {
  const {
    clock,
    logger,
    bodyTimeoutMs = DEFAULT_BODY_TIMEOUT_MS,
    maxMessageBytes = DEFAULT_MAX_MESSAGE_BYTES,
    maxItems = DEFAULT_MAX_ITEMS,
    maxIdBytes = MAX_ID_BYTES,
    maxJsonDepth = DEFAULT_MAX_JSON_DEPTH,
    hasReflection = true,
    shutdownSignal,
    crossOrigin,
    moreHandlers = new Map<string, UniversalHandler>(),
  } = options;
  // Each stream that a caller keeps open listens to it: more than ten are no leak.
  setMaxListeners(0, shutdownSignal);
  const calls = new Calls(SERVED_METHODS, options);
  const { statistics } = calls;
  const callOptions = {
    count: statistics.decided,
    maxItems,
    maxIdBytes,
  };
  const gate = options.gate && { ...options.gate, count: callOptions.count, maxIdBytes, clock };
  const handlers = rpcHandlers(useCases, readiness, calls, {
    ...callOptions,
    shutdownSignal,
    maxMessageBytes,
    hasReflection,
    gate: gate && gateCall(useCases.check, (response) => response, gate),
  });
  const bounds = { maxMessageBytes, maxItems, maxIdBytes, maxJsonDepth };
  const ofrep = new OfrepCalls(useCases.check, useCases.list, {
    ...bounds,
    count: callOptions.count,
    isKnownFeature: options.isKnownFeature,
  });
  const onExchange = createGeneralPath(new Map([...handlers, ...moreHandlers]), calls, {
    ...bounds,
    clock,
    logger,
    bodyTimeoutMs,
    crossOrigin,
    methodAt,
  });
  const fast = new Map(fastMethods(useCases, readiness, callOptions));
  if (gate !== undefined) {
    const method = gateFastMethod(useCases.check, gate);
    fast.set(method.path, method);
  }
  let exceeded = 0;
  return {
    fastPath: createFastPath(fast, FAST_PROTOCOLS, { calls, maxMessageBytes, bodyTimeoutMs }, (path) =>
      fastEvaluationOf(path, ofrep),
    ),
    onExchange: withOfrep(ofrep, calls, { ...bounds, clock, bodyTimeoutMs, crossOrigin }, onExchange),
    whenLate: (fail) => clock.after(bodyTimeoutMs, () => fail(lateRequest(bodyTimeoutMs))),
    onTurn: statistics.turnEnded,
    onExceeded: () => exceeded++,
    telemetry: (connections) => ({
      calls: () => statistics.calls(),
      latencies: () => statistics.latencies(),
      decisions: () => statistics.decisions(),
      inFlight: () => statistics.inFlight,
      connections,
      exceeded: () => exceeded,
    }),
  };
}
