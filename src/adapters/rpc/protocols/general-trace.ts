import { createContextKey } from "@connectrpc/connect";
import type { Span, Tracer } from "../../../ports/tracer.js";
import { isTracedAnyway, startCallSpan, type TraceHeaders, wantsSpan } from "../call/call-trace.js";
import type { ServedMethod } from "../call/served-method.js";
import type { Exchange } from "../exchange/exchange.js";
import { REQUEST_ID_HEADER, TRACE_PARENT_HEADER, TRACE_STATE_HEADER } from "./fast-path-headers.js";

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
