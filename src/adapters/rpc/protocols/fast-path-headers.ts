import type { IncomingHttpHeaders } from "node:http";
import type { ConnectError } from "@connectrpc/connect";
import { REQUEST_ID_HEADER, TRACE_PARENT_HEADER, TRACE_STATE_HEADER, type TraceHeaders } from "../call/call-trace.js";
import type { Credentials, FastMethod, Reply, ServiceCallContext } from "../call/served-method.js";
import type { Peer } from "../exchange/exchange.js";
import type { FastPathStream } from "../exchange/request-handlers.js";
import type { HeaderList } from "../http2/hpack/header-table.js";

/** Metadata of a request: "1" asks for the age of what the answer says. */
export const DETAIL_HEADER = "x-entitlement-detail";
/** Metadata of a report: under which key it counts once. */
export const IDEMPOTENCY_KEY_HEADER = "idempotency-key";

/** How a request of the fast path is read and answered. */
export type FastPathProtocol = "grpc" | "grpc-web" | "connect-proto" | "connect-json";

/** What matters of the headers of a request of the fast path. */
export interface FastPathHeaders extends Credentials, TraceHeaders {
  readonly path: string;
  readonly protocol: FastPathProtocol;
  /** How long the caller waits, milliseconds; Infinity where there is no deadline. */
  readonly timeoutMs: number;
  /** Whether it asks how old the answer is. */
  readonly isDetailed: boolean;
  /** How long the body is going to be, bytes; undefined where the caller does not say. */
  readonly contentLength: number | undefined;
  /** Whether messages may be gzipped, or with Connect the body is. */
  readonly isGzip: boolean;
  readonly idempotencyKey: string | undefined;
}

/** The headers by their names: those that matter here, as they were sent. */
interface Known {
  "content-type"?: string | undefined;
  "grpc-timeout"?: string | undefined;
  "connect-timeout-ms"?: string | undefined;
  "connect-protocol-version"?: string | undefined;
  "grpc-encoding"?: string | undefined;
  "content-encoding"?: string | undefined;
  [DETAIL_HEADER]?: string | undefined;
  [IDEMPOTENCY_KEY_HEADER]?: string | undefined;
  "content-length"?: string | undefined;
  [TRACE_PARENT_HEADER]?: string | undefined;
  [TRACE_STATE_HEADER]?: string | undefined;
  [REQUEST_ID_HEADER]?: string | undefined;
  authorization?: string | undefined;
}

const PROTOCOLS: ReadonlyMap<string, FastPathProtocol> = new Map([
  ["application/grpc", "grpc"],
  ["application/grpc+proto", "grpc"],
  ["application/grpc-web", "grpc-web"],
  ["application/grpc-web+proto", "grpc-web"],
  ["application/proto", "connect-proto"],
  ["application/json", "connect-json"],
  ["application/json; charset=utf-8", "connect-json"],
  ["application/json;charset=utf-8", "connect-json"],
]);

/**
 * The headers that clients send as a matter of course. Anything else (another protocol or verb, a header twice, one that HTTP/2
 * forbids, a deadline that is none) is left to the general path.
 *
 * @returns undefined where the request is not for the fast path
 */
export function parseHttp2Headers({ headers, isTooLarge }: HeaderList, peer: Peer): FastPathHeaders | undefined {
  if (isTooLarge) return undefined;
  let method: string | undefined;
  let scheme: string | undefined;
  let path: string | undefined;
  let authority: string | undefined;
  let sawRegularHeader = false;
  const known: Known = {};
  for (const { name, value } of headers) {
    if (name.charCodeAt(0) === COLON) {
      if (sawRegularHeader) return undefined;
      if (name === ":path" && path === undefined) path = value;
      else if (name === ":method" && method === undefined) method = value;
      else if (name === ":scheme" && scheme === undefined) scheme = value;
      else if (name === ":authority" && authority === undefined) authority = value;
      else return undefined;
      continue;
    }
    sawRegularHeader = true;
    switch (name) {
      case "content-type":
      case "grpc-timeout":
      case "connect-timeout-ms":
      case "connect-protocol-version":
      case "grpc-encoding":
      case "content-encoding":
      case DETAIL_HEADER:
      case IDEMPOTENCY_KEY_HEADER:
      case "content-length":
      case "authorization":
      case TRACE_PARENT_HEADER:
      case TRACE_STATE_HEADER:
      case REQUEST_ID_HEADER:
        if (known[name] !== undefined || !PLAIN_VALUE.test(value)) return undefined;
        known[name] = value;
        break;
      case "te":
        if (value !== "trailers") return undefined;
        break;
      case "connection":
      case "expect":
      case "host":
      case "keep-alive":
      case "origin":
      case "proxy-connection":
      case "transfer-encoding":
      case "upgrade":
        return undefined;
      default:
        if (!PLAIN_NAME.test(name) || !PLAIN_VALUE.test(value)) return undefined;
    }
  }
  const isPlain =
    method === "POST" &&
    (scheme === "http" || scheme === "https") &&
    authority !== undefined &&
    AUTHORITY.test(authority);
  return isPlain && path !== undefined ? interpret(path, known, authority, peer) : undefined;
}

/** The same over HTTP/1.1. gRPC is not: it needs trailers. */
export function parseHttp1Headers(path: string, headers: IncomingHttpHeaders, peer: Peer): FastPathHeaders | undefined {
  const { host, origin } = headers;
  if (host === undefined || !AUTHORITY.test(host) || origin !== undefined) return undefined;
  const parsed = interpret(path, headers, host, peer);
  return parsed?.protocol === "grpc" ? undefined : parsed;
}

function interpret(path: string, known: Known, authority: string | undefined, peer: Peer): FastPathHeaders | undefined {
  const protocol = PROTOCOLS.get(known["content-type"] ?? "");
  if (protocol === undefined) return undefined;
  const isConnect = protocol === "connect-proto" || protocol === "connect-json";
  const encoding = known[isConnect ? "content-encoding" : "grpc-encoding"];
  if (encoding !== undefined && encoding !== "identity" && encoding !== "gzip") return undefined;
  if (known[isConnect ? "grpc-encoding" : "content-encoding"] !== undefined) return undefined;
  const version = known["connect-protocol-version"];
  if (version !== undefined && version !== "1") return undefined;
  const length = known["content-length"];
  if (length !== undefined && !LENGTH.test(length)) return undefined;
  const timeout = known[isConnect ? "connect-timeout-ms" : "grpc-timeout"];
  const timeoutMs = timeout === undefined ? Infinity : isConnect ? connectTimeoutMs(timeout) : grpcTimeoutMs(timeout);
  if (timeoutMs === undefined) return undefined;
  return {
    path,
    protocol,
    timeoutMs,
    isDetailed: known[DETAIL_HEADER] === "1",
    contentLength: length === undefined ? undefined : Number(length),
    isGzip: encoding === "gzip",
    idempotencyKey: known[IDEMPOTENCY_KEY_HEADER],
    authorization: known.authorization,
    traceparent: known[TRACE_PARENT_HEADER],
    tracestate: known[TRACE_STATE_HEADER],
    requestId: known[REQUEST_ID_HEADER],
    authority,
    peer,
  };
}

const COLON = 0x3a;
const LENGTH = /^\d{1,10}$/;
const AUTHORITY = /^[A-Za-z0-9.:[\]_~-]+$/;
const PLAIN_NAME = /^[a-z0-9_.-]+$/;
const PLAIN_VALUE = /^(?:[!-~](?:[ -~]*[!-~])?)?$/;

/** How a protocol's small unary messages are read and answered. */
export interface FastProtocol {
  /** Of PROTOCOLS. */
  readonly index: number;
  /**
   * @returns undefined where the body is not one message of at most `maxMessageBytes`, as the fast path takes it
   * @throws UnreadableMessage, CodedError, also by rejection
   */
  ask(
    method: FastMethod,
    headers: FastPathHeaders,
    maxMessageBytes: number,
    bytes: Buffer,
    from: number,
    to: number,
    call: ServiceCallContext,
  ): Reply<Buffer | string> | Promise<Reply<Buffer | string>> | undefined;
  /** @param now epoch milliseconds */
  succeed(stream: FastPathStream, reply: Reply<Buffer | string>, isDetailed: boolean, now: number): void;
  fail(stream: FastPathStream, failure: ConnectError): void;
}

/** What a timer of Node can wait; beyond it, it fires at once. Almost 25 days. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Of the units that a grpc-timeout may be in. */
const UNIT_MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 0.001, n: 0.000_001 };

const MAX_GRPC_DIGITS = 8;
const ZERO = 48;
const NINE = 57;
const CONNECT_TIMEOUT = /^\d{1,10}$/;

/**
 * Reads a grpc-timeout as clients send it, for example "250m".
 *
 * @returns milliseconds above 0, or Infinity where that is longer than a timer can wait; undefined for anything else
 */
export function grpcTimeoutMs(header: string): number | undefined {
  const digits = header.length - 1;
  if (digits < 1 || digits > MAX_GRPC_DIGITS) return undefined;
  let amount = 0;
  for (let i = 0; i < digits; i++) {
    const code = header.charCodeAt(i);
    if (code < ZERO || code > NINE) return undefined;
    amount = amount * 10 + code - ZERO;
  }
  const unitMs = UNIT_MS[header.charAt(digits)];
  return unitMs === undefined ? undefined : timerMs(amount * unitMs);
}

/** Reads a connect-timeout-ms; it returns what `grpcTimeoutMs` does. */
function connectTimeoutMs(header: string): number | undefined {
  return CONNECT_TIMEOUT.test(header) ? timerMs(Number(header)) : undefined;
}

function timerMs(timeoutMs: number): number | undefined {
  if (timeoutMs === 0) return undefined;
  return timeoutMs > MAX_TIMER_MS ? Infinity : timeoutMs;
}

/**
 * Drops a deadline that is further away than a timer can wait, which some clients send in place of none:
 * Connect would take it for one that has passed.
 */
export function dropEndlessDeadline(header: Headers): void {
  const grpc = header.get("grpc-timeout");
  if (grpc !== null && grpcTimeoutMs(grpc) === Infinity) header.delete("grpc-timeout");
  const connect = header.get("connect-timeout-ms");
  if (connect !== null && connectTimeoutMs(connect) === Infinity) header.delete("connect-timeout-ms");
}
