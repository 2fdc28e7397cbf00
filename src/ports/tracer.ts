/** What of a trace travels from process to process, in the words of W3C's Trace Context. */
export interface TraceContext {
  /** "00-<32 hex digits>-<16 hex digits>-<2 hex digits>": version, trace, span, flags. */
  readonly traceparent: string;
  readonly tracestate?: string | undefined;
}

/** Never a secret, and no id of a customer: traces are read by more people than logs are. */
export type SpanAttributes = Readonly<Record<string, string | number | boolean | undefined>>;

/** `server`: a call that came in; `client`: one that goes out; `consumer`: a message that is carried out; `internal`: a part of these. */
export type SpanKind = "server" | "client" | "consumer" | "internal";

/** A piece of work that has begun and whose end is to be told. Whoever is asked in its course is sent its trace context. */
export interface Span extends TraceContext {
  child(name: string, kind: "client" | "internal", attributes?: SpanAttributes): Span;
  set(attributes: SpanAttributes): void;
  /** Once. @param failure why it failed; undefined: it did not */
  end(failure?: string): void;
}

/** Where work is traced. There is none unless traces are asked for. */
export interface Tracer {
  /** @param parent of whom the work is a part; undefined, or not well formed: it begins a trace of its own */
  start(name: string, kind: SpanKind, parent: TraceContext | undefined, attributes?: SpanAttributes): Span;
}

const TRACEPARENT = /^(?!ff)[\da-f]{2}-((?!0{32})[\da-f]{32})-(?!0{16})[\da-f]{16}-([\da-f]{2})(?:$|-)/;
const SAMPLED = 1;

/** @returns 32 hex digits; undefined where the header is not well formed */
export function traceIdOf(traceparent: string): string | undefined {
  return TRACEPARENT.exec(traceparent)?.[1];
}

/** Whether the caller records its part of the trace, and so wants this one's too. */
export function isSampled(traceparent: string): boolean {
  const flags = TRACEPARENT.exec(traceparent)?.[2];
  return flags !== undefined && (Number.parseInt(flags, 16) & SAMPLED) !== 0;
}

/** The same work, with a span that ends when it does; without one, the work itself. */
export function inSpan<T>(span: Span | undefined, work: Promise<T>): Promise<T> {
  if (span === undefined) return work;
  return work.then(
    (result) => {
      span.end();
      return result;
    },
    (error: unknown) => {
      span.end(error instanceof Error ? error.message : String(error));
      throw error;
    },
  );
}
