import type { DescMethodUnary, Message } from "@bufbuild/protobuf";
import {
  Code,
  ConnectError,
  createConnectRouter,
  type HandlerContext,
  makeAnyClient,
  type ServiceImpl,
  type Transport,
} from "@connectrpc/connect";
import { createAsyncIterable } from "@connectrpc/connect/protocol";
import { compressionGzip } from "@connectrpc/connect-node";
import type { Clock } from "../../../ports/clock.js";
import type { Logger } from "../../../ports/logger.js";
import { JSON_OPTIONS } from "../answers/answer-encoders.js";
import { Calls } from "../call/calls.js";
import type { ExchangeHandler } from "../exchange/exchange.js";
import { DEFAULT_BODY_TIMEOUT_MS } from "../exchange/request-handlers.js";
import { Health } from "../gen/grpc/health/v1/health_pb.js";
import { SidecarService } from "../gen/stigg/sidecar/v1/sidecar_pb.js";
import { createGeneralPath } from "../protocols/general-path.js";
import { DEFAULT_MAX_ITEMS, DEFAULT_MAX_JSON_DEPTH, DEFAULT_MAX_MESSAGE_BYTES } from "../rpc-handler.js";
import { methodAt, methodOf, SERVED_METHODS } from "../service/served-methods.js";

/** A call that was answered, with all that it takes to ask somebody else the same. */
export interface RelayedCall {
  readonly method: DescMethodUnary;
  readonly request: Message;
  readonly headers: Headers;
  /** The answer, or the code of the failure that came in its place. */
  readonly outcome: Message | Code;
}

interface RelayOptions {
  /** Reaches whose answers the callers get. */
  readonly answering: Transport;
  /** Learns of every call that only reads, once it is answered. Must not throw, nor take long. */
  readonly onRead: (call: RelayedCall) => void;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Passes every call on to another service of the same interface, in gRPC whatever the caller speaks, and its answer back as it is:
 * message, headers, status. Reflection is not passed on.
 */
export function relayHandler({ answering, onRead, clock, logger }: RelayOptions): ExchangeHandler {
  const calls = new Calls(SERVED_METHODS, { clock, logger });
  const router = createConnectRouter({
    acceptCompression: [compressionGzip],
    readMaxBytes: DEFAULT_MAX_MESSAGE_BYTES,
    jsonOptions: JSON_OPTIONS,
  })
    .service(SidecarService, relayed(SidecarService, answering, onRead) as ServiceImpl<typeof SidecarService>)
    .service(Health, relayed(Health, answering, () => undefined) as ServiceImpl<typeof Health>);
  return createGeneralPath(new Map(router.handlers.map((handler) => [handler.requestPath, handler])), calls, {
    clock,
    logger,
    methodAt,
    bodyTimeoutMs: DEFAULT_BODY_TIMEOUT_MS,
    maxMessageBytes: DEFAULT_MAX_MESSAGE_BYTES,
    maxItems: DEFAULT_MAX_ITEMS,
    maxJsonDepth: DEFAULT_MAX_JSON_DEPTH,
  });
}

function relayed(
  service: typeof SidecarService | typeof Health,
  answering: Transport,
  onRead: RelayOptions["onRead"],
): unknown {
  return makeAnyClient(service, (method) => {
    if (method.methodKind === "unary") {
      const unary = method;
      const isRead = methodOf(unary).group === "check";
      return (request: Message, context: HandlerContext) =>
        relayUnary(answering, unary, request, context, isRead ? onRead : undefined);
    }
    if (method.methodKind !== "server_streaming") return null;
    return async function* (request: Message, context: HandlerContext) {
      const response = await answering.stream(
        method,
        context.signal,
        context.timeoutMs(),
        passedHeaders(context.requestHeader),
        createAsyncIterable([request]),
      );
      yield* response.message;
    };
  });
}

async function relayUnary(
  answering: Transport,
  method: DescMethodUnary,
  request: Message,
  context: HandlerContext,
  onRead: RelayOptions["onRead"] | undefined,
): Promise<Message> {
  const headers = passedHeaders(context.requestHeader);
  try {
    const response = await answering.unary(method, context.signal, context.timeoutMs(), headers, request);
    copyHeaders(response.header, context.responseHeader);
    copyHeaders(response.trailer, context.responseTrailer);
    onRead?.({ method, request, headers, outcome: response.message });
    return response.message;
  } catch (error) {
    const failure = ConnectError.from(error);
    // What became of a call whose caller went away says nothing of who would have answered it.
    if (failure.code !== Code.Canceled) onRead?.({ method, request, headers, outcome: failure.code });
    throw failure;
  }
}

/** What belongs to one connection or one protocol, and is made anew for the next. */
const OF_THE_PROTOCOL =
  /^(?::.*|connection|content-.*|transfer-encoding|te|trailer|host|keep-alive|upgrade|proxy-.*|expect|date|accept-encoding|user-agent|(?:grpc|connect)-.*)$/;

/** Headers of a call as they go on to whoever answers it, or come back from there. */
function passedHeaders(headers: Headers): Headers {
  return new Headers([...headers].filter(([name]) => !OF_THE_PROTOCOL.test(name)));
}

function copyHeaders(from: Headers, to: Headers): void {
  for (const [name, value] of passedHeaders(from)) to.set(name, value);
}
