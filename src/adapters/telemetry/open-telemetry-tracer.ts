import {
  type Context,
  defaultTextMapGetter,
  defaultTextMapSetter,
  ROOT_CONTEXT,
  type Span as OtelSpan,
  SpanKind as OtelSpanKind,
  SpanStatusCode,
  trace,
  type Tracer as OtelTracer,
} from "@opentelemetry/api";
import { TRACE_PARENT_HEADER, TRACE_STATE_HEADER, W3CTraceContextPropagator } from "@opentelemetry/core";
import type { Span, SpanAttributes, SpanKind, TraceContext, Tracer } from "../../ports/tracer.js";

const KINDS: Readonly<Record<SpanKind, OtelSpanKind>> = {
  server: OtelSpanKind.SERVER,
  client: OtelSpanKind.CLIENT,
  consumer: OtelSpanKind.CONSUMER,
  internal: OtelSpanKind.INTERNAL,
};
const PROPAGATOR = new W3CTraceContextPropagator();

/** Traces by OpenTelemetry's SDK. Which span is part of which is said at each; nothing is global. */
export class OpenTelemetryTracer implements Tracer {
  readonly #tracer: OtelTracer;
  readonly #redact: (text: string) => string;

  /** @param redact takes secrets out of failures: their texts may be another system's */
  constructor(tracer: OtelTracer, redact: (text: string) => string) {
    this.#tracer = tracer;
    this.#redact = redact;
  }

  start(name: string, kind: SpanKind, parent: TraceContext | undefined, attributes: SpanAttributes = {}): Span {
    const from = parent === undefined ? ROOT_CONTEXT : PROPAGATOR.extract(ROOT_CONTEXT, parent, defaultTextMapGetter);
    return new SdkSpan(this.#tracer, this.#redact, name, kind, from, attributes);
  }
}

class SdkSpan implements Span {
  readonly #tracer: OtelTracer;
  readonly #redact: (text: string) => string;
  readonly #span: OtelSpan;
  readonly #within: Context;
  #headers: { traceparent?: string; tracestate?: string } | undefined;

  constructor(
    tracer: OtelTracer,
    redact: (text: string) => string,
    name: string,
    kind: SpanKind,
    from: Context,
    attributes: SpanAttributes,
  ) {
    this.#tracer = tracer;
    this.#redact = redact;
    this.#span = tracer.startSpan(name, { kind: KINDS[kind], attributes }, from);
    this.#within = trace.setSpan(from, this.#span);
  }

  get traceparent(): string {
    return this.#carrier[TRACE_PARENT_HEADER] ?? "";
  }

  get tracestate(): string | undefined {
    return this.#carrier[TRACE_STATE_HEADER];
  }

  child(name: string, kind: "client" | "internal", attributes: SpanAttributes = {}): Span {
    return new SdkSpan(this.#tracer, this.#redact, name, kind, this.#within, attributes);
  }

  set(attributes: SpanAttributes): void {
    for (const [name, value] of Object.entries(attributes)) {
      if (value !== undefined) this.#span.setAttribute(name, value);
    }
  }

  end(failure?: string): void {
    if (failure !== undefined) this.#span.setStatus({ code: SpanStatusCode.ERROR, message: this.#redact(failure) });
    this.#span.end();
  }

  get #carrier(): { traceparent?: string; tracestate?: string } {
    if (this.#headers === undefined) {
      this.#headers = {};
      PROPAGATOR.inject(this.#within, this.#headers, defaultTextMapSetter);
    }
    return this.#headers;
  }
}
