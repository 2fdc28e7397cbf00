import { Code, createContextValues } from "@connectrpc/connect";
import type { UniversalHandler, UniversalServerResponse } from "@connectrpc/connect/protocol";
import { codeFromString } from "@connectrpc/connect/protocol-connect";
import type { Logger } from "../../../ports/logger.js";
import {
  endCallSpan,
  GENERAL_TRACE,
  type GeneralTrace,
  originOf,
  startGeneralSpan,
  traceHeadersOf,
} from "../call/call-trace.js";
import type { Calls } from "../call/calls.js";
import { type Protocol, protocolIndex, type ServedMethod } from "../call/served-method.js";
import type { Exchange, ExchangeHandler, HeaderField } from "../exchange/exchange.js";
import { withReadableMessage } from "./answer-headers.js";
import {
  refuse,
  refuseCall,
  refuseContentType,
  refuseGrpcOverHttp1,
  refuseQuery,
  refuseStreamOverHttp1,
  refuseVerb,
  unknownMethod,
} from "./refuse-request.js";
import { type BodyOptions, toText, universalRequest } from "./universal-request.js";

const OK = 0;
const NO_FIELDS: readonly HeaderField[] = [];

/** What browsers of other origins may see. */
export interface CrossOrigin {
  /** @returns headers for the response to a request with this origin, or without one */
  headersFor(origin: string | undefined): readonly HeaderField[];
  /** Answers a preflight. @returns whether the exchange was one */
  answerPreflight(exchange: Exchange): boolean;
}

interface GeneralPathOptions extends BodyOptions {
  readonly logger: Logger;
  readonly crossOrigin?: CrossOrigin | undefined;
  readonly methodAt: (path: string) => ServedMethod;
}

/**
 * Serves gRPC (over HTTP/2), gRPC-web, gRPC-web-text and Connect by Connect's own handlers: streams, large messages, and whatever
 * is malformed and wants explaining.
 *
 * @param handlers all methods of all services, by path
 */
export function createGeneralPath(
  handlers: ReadonlyMap<string, UniversalHandler>,
  calls: Calls,
  options: GeneralPathOptions,
): ExchangeHandler {
  const { logger, crossOrigin, methodAt } = options;

  return async (exchange) => {
    if (crossOrigin?.answerPreflight(exchange) === true) return;
    const path = pathOf(exchange.target);
    const protocol = exchange.method === "GET" ? "connect" : protocolOf(exchange.header("content-type"));
    const method = methodAt(path);
    const startedAt = performance.now();
    let code: number = Code.Unknown;
    const headers = traceHeadersOf(exchange);
    const span = startGeneralSpan(calls.tracer, method, protocolIndex(protocol), headers);
    calls.began();
    try {
      code = await serve(exchange, path, method, protocol, { headers, span });
    } catch (error) {
      if (!exchange.isClosed) {
        logger.error("a response could not be written", { method: method.name, ...originOf(headers), error });
        exchange.abort();
      }
    } finally {
      calls.ended(method, protocolIndex(protocol), code, startedAt);
      if (span !== undefined) endCallSpan(span, protocolIndex(protocol), code);
    }
  };

  /** @returns the code with which the call ended */
  async function serve(
    exchange: Exchange,
    path: string,
    method: ServedMethod,
    protocol: Protocol,
    trace: GeneralTrace,
  ): Promise<number> {
    const fields = crossOrigin === undefined ? NO_FIELDS : crossOrigin.headersFor(exchange.header("origin"));
    const { authority, peer } = exchange;
    const refusal = calls.refusalOf(
      method,
      calls.callerOf({ authorization: exchange.header("authorization"), authority, peer }),
    );
    if (refusal !== undefined) {
      const failure = calls.failureOf(refusal, undefined, method.name, trace.headers);
      refuseCall(exchange, protocol, failure, fields);
      return failure.code;
    }
    const handler = handlers.get(path);
    if (protocol === "grpc" && exchange.httpVersion === "1.1") refuseGrpcOverHttp1(exchange);
    else if (handler === undefined)
      refuseCall(exchange, exchange.method === "GET" ? "other" : protocol, unknownMethod(path), fields);
    else if (!handler.allowedMethods.includes(exchange.method)) refuseVerb(exchange, handler.allowedMethods, fields);
    else if (
      exchange.method !== "GET" &&
      (protocol === "other" || !handler.supportedContentType(exchange.header("content-type") ?? ""))
    ) {
      refuseContentType(exchange, handler.method.methodKind === "unary", fields);
    } else if (handler.method.methodKind === "bidi_streaming" && exchange.httpVersion === "1.1")
      refuseStreamOverHttp1(exchange, fields);
    else {
      if (exchange.method === "GET" && refuseQuery(exchange, exchange.target.slice(path.length + 1), fields))
        return Code.InvalidArgument;
      const request = universalRequest(exchange, handler, protocol, options, calls);
      if (request !== undefined) {
        const contextValues = createContextValues().set(GENERAL_TRACE, trace);
        return respond(exchange, finished(await handler({ ...request, contextValues }), protocol), protocol, fields);
      }
      refuse(exchange, 400, "the request names no host, or one that is none: send a host header", fields);
      return Code.InvalidArgument;
    }
    return handler === undefined ? Code.Unimplemented : Code.InvalidArgument;
  }
}

/** What Connect leaves to be done. */
function finished(response: UniversalServerResponse, protocol: Protocol): UniversalServerResponse {
  return protocol === "grpc" ? withReadableMessage(response) : response;
}

async function respond(
  exchange: Exchange,
  response: UniversalServerResponse,
  protocol: Protocol,
  fields: readonly HeaderField[],
): Promise<number> {
  const { status, header, body, trailer } = protocol === "grpc-web-text" ? toText(response) : response;
  let last: Uint8Array | undefined;
  const isEnd = body === undefined && trailer === undefined;
  exchange.respond(status, [...fieldsOf(header), ...fields], isEnd);
  if (isEnd) return responseCode(response, protocol, undefined);
  if (body !== undefined) {
    for await (const chunk of body) {
      last = chunk;
      const written = exchange.write(chunk);
      // The loop's end ends the body's own work.
      if (!(written === true || (await written))) return Code.Canceled;
    }
  }
  const code = exchange.isClosed
    ? Code.Canceled
    : responseCode(response, protocol, protocol === "grpc-web-text" ? binaryOf(last) : last);
  exchange.end(fieldsOf(trailer));
  return code === OK ? OK : code;
}

function binaryOf(text: Uint8Array | undefined): Uint8Array | undefined {
  return text && Buffer.from(Buffer.from(text).toString("latin1"), "base64");
}

function fieldsOf(headers: UniversalServerResponse["header"]): HeaderField[] {
  return headers === undefined ? [] : [...new Headers(headers)];
}

function pathOf(target: string): string {
  const query = target.indexOf("?");
  return query === -1 ? target : target.slice(0, query);
}

const PROTOCOLS: ReadonlyMap<string, Protocol> = new Map([
  ["application/grpc", "grpc"],
  ["application/grpc-web", "grpc-web"],
  ["application/grpc-web-text", "grpc-web-text"],
  ["application/json", "connect"],
  ["application/proto", "connect"],
  ["application/connect", "connect-stream"],
]);

/** The protocols of the one port are distinguished by the content type of a request. "other": it is of none, or absent. */
export function protocolOf(contentType: string | undefined): Protocol {
  if (contentType === undefined) return "other";
  const end = contentType.search(/[+;\s]/);
  return PROTOCOLS.get((end === -1 ? contentType : contentType.slice(0, end)).toLowerCase()) ?? "other";
}

const PREFIX_BYTES = 5;
const WEB_TRAILERS = 0x80;
const STREAM_END = 0b10;
const GRPC_STATUS = /grpc-status: ?(\d+)/i;

/**
 * With which of gRPC's codes a call ended that Connect answered.
 *
 * @param last the last chunk of the response's body
 */
function responseCode(
  { status, header, trailer }: UniversalServerResponse,
  protocol: Protocol,
  last: Uint8Array | undefined,
): number {
  const grpcStatus = trailer?.get("grpc-status") ?? new Headers(header).get("grpc-status");
  if (grpcStatus !== null) return Number(grpcStatus);
  switch (protocol) {
    case "grpc-web":
    case "grpc-web-text":
      return last !== undefined && (last[0] as number) >= WEB_TRAILERS
        ? Number(GRPC_STATUS.exec(textOf(last, PREFIX_BYTES))?.[1] ?? Code.Unknown)
        : Code.Unknown;
    case "connect-stream":
      return last !== undefined && ((last[0] as number) & STREAM_END) !== 0
        ? codeIn(textOf(last, PREFIX_BYTES), (end) => end.error?.code)
        : Code.Unknown;
    case "connect":
      if (status === 200) return OK;
      return last === undefined ? Code.Unknown : codeIn(textOf(last, 0), (failure) => failure.code);
    case "grpc":
    case "ofrep":
    case "other":
      return status === 200 ? OK : Code.Unknown;
  }
}

interface ConnectEnd {
  readonly code?: string;
  readonly error?: { readonly code?: string };
}

function codeIn(json: string, read: (end: ConnectEnd) => string | undefined): number {
  try {
    const code = read(JSON.parse(json) as ConnectEnd);
    return code === undefined ? OK : (codeFromString(code) ?? Code.Unknown);
  } catch {
    return Code.Unknown;
  }
}

function textOf(bytes: Uint8Array, from: number): string {
  return Buffer.from(bytes.subarray(from)).toString("latin1");
}
