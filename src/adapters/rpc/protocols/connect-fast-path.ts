import type { ConnectError } from "@connectrpc/connect";
import { codeToHttpStatus, errorToJson } from "@connectrpc/connect/protocol-connect";
import type { FastProtocol } from "../call/fast-call.js";
import { protocolIndex } from "../call/served-method.js";
import { ResponseHeaders } from "../exchange/exchange.js";
import type { FastPathStream } from "../exchange/fast-path.js";
import { inflateSmall } from "./grpc-fast-path.js";
import { SourceHeaders } from "./source-headers.js";

const PREFIX_BYTES = 5;
const JSON_TYPE = ["content-type", "application/json"] as const;

/** Headers of failed calls, by their HTTP status: made once. */
const failureHeaders = new Map<number, ResponseHeaders>();

/** Connect's failures are JSON, whatever their call is in. */
function fail(stream: FastPathStream, failure: ConnectError): void {
  const status = codeToHttpStatus(failure.code);
  let headers = failureHeaders.get(status);
  if (headers === undefined) failureHeaders.set(status, (headers = new ResponseHeaders(status, [JSON_TYPE])));
  stream.respond(headers, failureJson(failure), undefined);
}

/** The body of a failed call. */
export function failureJson(failure: ConnectError): string {
  return JSON.stringify(errorToJson(failure, undefined));
}

const PROTO_HEADERS = new SourceHeaders("application/proto");

export const CONNECT_PROTO_FAST_PATH: FastProtocol = {
  index: protocolIndex("connect"),
  ask(method, { contentLength, isGzip }, maxMessageBytes, bytes, from, to, call) {
    if ((contentLength !== undefined && contentLength !== to - from) || to - from > maxMessageBytes) return undefined;
    if (!isGzip) return method.binary(bytes, from, to, call);
    const message = inflateSmall(bytes, from, to, maxMessageBytes);
    return message && method.binary(message, 0, message.length, call);
  },
  succeed(stream, reply, isDetailed, now) {
    // What is written for gRPC begins with its prefix.
    const body = (reply.message as Buffer).subarray(PREFIX_BYTES);
    stream.respond(isDetailed ? PROTO_HEADERS.detailed(reply, now) : PROTO_HEADERS.of(reply), body, undefined);
  },
  fail,
};

const JSON_HEADERS = new SourceHeaders("application/json");

export const CONNECT_JSON_FAST_PATH: FastProtocol = {
  index: protocolIndex("connect"),
  ask(method, { contentLength, isGzip }, maxMessageBytes, bytes, from, to, call) {
    if ((contentLength !== undefined && contentLength !== to - from) || to - from > maxMessageBytes) return undefined;
    if (!isGzip) return method.json(bytes.toString("utf8", from, to), call);
    const text = inflateSmall(bytes, from, to, maxMessageBytes);
    return text && method.json(text.toString(), call);
  },
  succeed(stream, reply, isDetailed, now) {
    stream.respond(isDetailed ? JSON_HEADERS.detailed(reply, now) : JSON_HEADERS.of(reply), reply.message, undefined);
  },
  fail,
};
