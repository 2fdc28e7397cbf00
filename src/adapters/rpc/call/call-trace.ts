import { createContextKey } from "@connectrpc/connect";
import type { CallOrigin } from "../../../application/answer.js";
import { SOURCE_ATTRIBUTE } from "../../../application/load/search-state.js";
import { CALL_CODES } from "../../../ports/call-telemetry.js";
import type { AnswerSource } from "../../../ports/telemetry.js";
import { isSampled, type Span, type SpanAttributes, traceIdOf, type Tracer } from "../../../ports/tracer.js";
import type { Exchange } from "../exchange/exchange.js";
import { protocolIndex, PROTOCOLS, type ServedMethod } from "./served-method.js";

/** W3C's Trace Context, and the common name of a request's own id. */
export const TRACE_PARENT_HEADER = "traceparent";
export const TRACE_STATE_HEADER = "tracestate";
export const REQUEST_ID_HEADER = "x-request-id";

/** What of a request's headers says of which trace it is a part, and by what its caller finds it again. */
export interface TraceHeaders {
  readonly traceparent: string | undefined;
  readonly tracestate: string | undefined;
  readonly requestId: string | undefined;
}

/** Longer names of a request are nobody's: a line of the log is not to be filled by who calls. */
const MAX_REQUEST_ID = 128;

/** By what a call's caller finds it again; undefined where it said nothing. */
export function originOf({ traceparent, requestId }: TraceHeaders): CallOrigin | undefined {
  const traceId = traceparent === undefined ? undefined : traceIdOf(traceparent);
  if (requestId === undefined || requestId === "") return traceId === undefined ? undefined : { traceId };
  const named = { requestId: requestId.slice(0, MAX_REQUEST_ID) };
  return traceId === undefined ? named : { ...named, traceId };
}

/** Whether whoever calls records its part, so that a call is traced that nothing is waited for in. */
export function wantsSpan({ traceparent }: TraceHeaders): boolean {
  return traceparent !== undefined && isSampled(traceparent);
}

/** Calls that ask nothing of entitlements, and that probes repeat for ever, are traced only for who wants it. */
function isTracedAnyway({ group }: ServedMethod): boolean {
  return group !== "health" && group !== "reflection";
}

const CONNECT = new Set([protocolIndex("connect"), protocolIndex("connect-stream")]);
const OFREP = protocolIndex("ofrep");
/** Of gRPC's status codes, by their numbers, those that are the server's fault. */
const FAULTS: ReadonlySet<number> = new Set(
  (["unknown", "deadline_exceeded", "unimplemented", "internal", "unavailable", "data_loss"] as const).map((code) =>
    CALL_CODES.indexOf(code),
  ),
);

/** Begins the span of a call, by OpenTelemetry's conventions for RPC servers. */
export function startCallSpan(
  tracer: Tracer,
  method: ServedMethod,
  protocol: number,
  { traceparent, tracestate }: TraceHeaders,
): Span {
  const parent = traceparent === undefined ? undefined : { traceparent, tracestate };
  const path = method.path.slice(1);
  const slash = path.indexOf("/");
  const attributes: SpanAttributes =
    protocol === OFREP || slash === -1
      ? {}
      : {
          "rpc.system": CONNECT.has(protocol) ? "connect_rpc" : "grpc",
          "rpc.service": path.slice(0, slash),
          "rpc.method": path.slice(slash + 1),
        };
  const name = protocol === OFREP || slash === -1 ? method.name : path;
  return tracer.start(name, "server", parent, { ...attributes, "entitlement.protocol": PROTOCOLS[protocol] });
}

/** @param code a number of CALL_CODES */
export function endCallSpan(span: Span, protocol: number, code: number): void {
  if (CONNECT.has(protocol)) {
    if (code !== 0) span.set({ "rpc.connect_rpc.error_code": CALL_CODES[code] });
  } else if (protocol !== OFREP) span.set({ "rpc.grpc.status_code": code });
  span.end(FAULTS.has(code) ? CALL_CODES[code] : undefined);
}

export function tellSource(span: Span, source: AnswerSource | undefined): void {
  if (source !== undefined) span.set({ [SOURCE_ATTRIBUTE]: source });
}

/** What a call of the general path knows of its trace. */
export interface GeneralTrace {
  readonly headers: TraceHeaders;
  readonly span: Span | undefined;
}

const NOT_TRACED: GeneralTrace = {
  headers: { traceparent: undefined, tracestate: undefined, requestId: undefined },
  span: undefined,
};

/** How it passes Connect's handlers. */
export const GENERAL_TRACE = createContextKey<GeneralTrace>(NOT_TRACED, { description: "trace of the call" });

export function traceHeadersOf(exchange: Exchange): TraceHeaders {
  return {
    traceparent: exchange.header(TRACE_PARENT_HEADER),
    tracestate: exchange.header(TRACE_STATE_HEADER),
    requestId: exchange.header(REQUEST_ID_HEADER),
  };
}

/** @returns undefined where the call is not traced */
export function startGeneralSpan(
  tracer: Tracer | undefined,
  method: ServedMethod,
  protocol: number,
  headers: TraceHeaders,
): Span | undefined {
  if (tracer === undefined || !(isTracedAnyway(method) || wantsSpan(headers))) return undefined;
  return startCallSpan(tracer, method, protocol, headers);
}
