import { isUtf8 } from "node:buffer";
import type { ConnectError } from "@connectrpc/connect";
import { codeToHttpStatus, errorToJson } from "@connectrpc/connect/protocol-connect";
import { USAGE_STATES, type UsageState } from "../../../domain/usage/usage-report.js";
import { ANSWER_SOURCES, type AnswerSource } from "../../../ports/telemetry.js";
import { type FastMethod, protocolIndex, type Reply, type ServiceCallContext } from "../call/served-method.js";
import { NO_TRAILERS, ResponseHeaders } from "../exchange/exchange.js";
import type { FastPathStream } from "../exchange/request-handlers.js";
import {
  AGE_HEADER,
  ageMs,
  assumedFields,
  DECISION_HEADER,
  encodeGrpcMessage,
  SOURCE_HEADER,
  USAGE_STATE_HEADER,
} from "./answer-headers.js";
import type { FastPathHeaders, FastProtocol } from "./fast-path-headers.js";
import { inflateSmall } from "./inflate.js";

const PREFIX_BYTES = 5;
const PLAIN = 0;
const COMPRESSED = 1;
const TRAILERS = 0x80;
const NOTHING = Buffer.alloc(0);
const OK_TRAILERS = new ResponseHeaders(undefined, [["grpc-status", "0"]]);

/** Asks with the one message that a body of gRPC or gRPC-web holds. */
function askFramed(
  method: FastMethod,
  { contentLength, isGzip, peer }: FastPathHeaders,
  maxMessageBytes: number,
  bytes: Buffer,
  from: number,
  to: number,
  call: ServiceCallContext,
): Reply<Buffer> | Promise<Reply<Buffer>> | undefined {
  const length = to - from;
  if ((contentLength !== undefined && contentLength !== length) || length < PREFIX_BYTES) return undefined;
  const messageBytes = bytes.readUInt32BE(from + 1);
  if (messageBytes !== length - PREFIX_BYTES || messageBytes > maxMessageBytes) return undefined;
  const flags = bytes[from];
  if (flags === PLAIN) return method.binary(bytes, from + PREFIX_BYTES, to, call);
  if (flags !== COMPRESSED || !isGzip) return undefined;
  const message = inflateSmall(bytes, from + PREFIX_BYTES, to, maxMessageBytes, peer);
  return typeof message === "string" ? undefined : method.binary(message, 0, message.length, call);
}

/** The headers of a protocol's responses, by the source of what they say: made once. */
export class SourceHeaders {
  /** Of a response that says nothing of a state. */
  readonly plain: ResponseHeaders;
  readonly #bySource: Readonly<Record<AnswerSource, ResponseHeaders>>;
  readonly #byUsageState: Readonly<Record<UsageState, ResponseHeaders>>;

  constructor(contentType: string) {
    const fields = [["content-type", contentType]] as const;
    this.plain = new ResponseHeaders(200, fields);
    this.#bySource = Object.fromEntries(
      ANSWER_SOURCES.map((source) => [source, new ResponseHeaders(200, [...fields, [SOURCE_HEADER, source]])]),
    ) as Record<AnswerSource, ResponseHeaders>;
    this.#byUsageState = Object.fromEntries(
      USAGE_STATES.map((state) => [state, new ResponseHeaders(200, [...fields, [USAGE_STATE_HEADER, state]])]),
    ) as Record<UsageState, ResponseHeaders>;
  }

  of(reply: Reply<unknown>): ResponseHeaders {
    const { source, decisionId, usageState } = reply;
    if (source === undefined) return usageState === undefined ? this.plain : this.#byUsageState[usageState];
    let headers = this.#bySource[source];
    if (source === "assumed") headers = headers.and(...assumedFields(reply));
    return decisionId === undefined ? headers : headers.and([DECISION_HEADER, decisionId]);
  }

  /** The same with the age of what the answer says, for a request that asks for it. */
  detailed(reply: Reply<unknown>, now: number): ResponseHeaders {
    const age = ageMs(reply, now);
    return age === undefined ? this.of(reply) : this.of(reply).and([AGE_HEADER, String(age)]);
  }
}

const GRPC_HEADERS = new SourceHeaders("application/grpc+proto");

export const GRPC_FAST_PATH: FastProtocol = {
  index: protocolIndex("grpc"),
  ask: askFramed,
  succeed(stream, reply, isDetailed, now) {
    stream.respond(isDetailed ? GRPC_HEADERS.detailed(reply, now) : GRPC_HEADERS.of(reply), reply.message, OK_TRAILERS);
  },
  fail(stream, { code, rawMessage }) {
    const trailers = NO_TRAILERS.and(["grpc-status", String(code)], ["grpc-message", encodeGrpcMessage(rawMessage)]);
    stream.respond(GRPC_HEADERS.plain, NOTHING, trailers);
  },
};

const WEB_HEADERS = new SourceHeaders("application/grpc-web+proto");
const OK_TRAILERS_FRAME = trailersFrame("grpc-status: 0\r\n");

/** gRPC-web has its trailers in its body. */
export const GRPC_WEB_FAST_PATH: FastProtocol = {
  index: protocolIndex("grpc-web"),
  ask: askFramed,
  succeed(stream, reply, isDetailed, now) {
    const body = Buffer.concat([reply.message as Buffer, OK_TRAILERS_FRAME]);
    stream.respond(isDetailed ? WEB_HEADERS.detailed(reply, now) : WEB_HEADERS.of(reply), body, undefined);
  },
  fail(stream, failure) {
    stream.respond(WEB_HEADERS.plain, webFailure(failure), undefined);
  },
};

/** The body of a failed call. */
function webFailure({ code, rawMessage }: ConnectError): Buffer {
  return trailersFrame(`grpc-status: ${code}\r\ngrpc-message: ${encodeGrpcMessage(rawMessage)}\r\n`);
}

function trailersFrame(trailers: string): Buffer {
  const frame = Buffer.alloc(PREFIX_BYTES + trailers.length);
  frame[0] = TRAILERS;
  frame.writeUInt32BE(trailers.length, 1);
  frame.write(trailers, PREFIX_BYTES, "latin1");
  return frame;
}

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
  ask(method, { contentLength, isGzip, peer }, maxMessageBytes, bytes, from, to, call) {
    if ((contentLength !== undefined && contentLength !== to - from) || to - from > maxMessageBytes) return undefined;
    if (!isGzip) return method.binary(bytes, from, to, call);
    const message = inflateSmall(bytes, from, to, maxMessageBytes, peer);
    return typeof message === "string" ? undefined : method.binary(message, 0, message.length, call);
  },
  succeed(stream, reply, isDetailed, now) {
    // What is written for gRPC begins with its prefix.
    const body = (reply.message as Buffer).subarray(PREFIX_BYTES);
    stream.respond(isDetailed ? PROTO_HEADERS.detailed(reply, now) : PROTO_HEADERS.of(reply), body, undefined);
  },
  fail,
};

/** What bytes become that are not UTF-8, and what a caller may send too. */
const REPLACEMENT = "\ufffd";

/** What is not UTF-8 is for the general path to refuse. */
function askJson(
  method: FastMethod,
  bytes: Buffer,
  from: number,
  to: number,
  call: ServiceCallContext,
): ReturnType<FastMethod["json"]> | undefined {
  const text = bytes.toString("utf8", from, to);
  return text.includes(REPLACEMENT) && !isUtf8(bytes.subarray(from, to)) ? undefined : method.json(text, call);
}

const JSON_HEADERS = new SourceHeaders("application/json");

export const CONNECT_JSON_FAST_PATH: FastProtocol = {
  index: protocolIndex("connect"),
  ask(method, { contentLength, isGzip, peer }, maxMessageBytes, bytes, from, to, call) {
    if ((contentLength !== undefined && contentLength !== to - from) || to - from > maxMessageBytes) return undefined;
    if (!isGzip) return askJson(method, bytes, from, to, call);
    const text = inflateSmall(bytes, from, to, maxMessageBytes, peer);
    return typeof text === "string" ? undefined : askJson(method, text, 0, text.length, call);
  },
  succeed(stream, reply, isDetailed, now) {
    stream.respond(isDetailed ? JSON_HEADERS.detailed(reply, now) : JSON_HEADERS.of(reply), reply.message, undefined);
  },
  fail,
};
