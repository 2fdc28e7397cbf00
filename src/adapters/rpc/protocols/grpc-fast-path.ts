import { gunzipSync } from "node:zlib";
import type { ConnectError } from "@connectrpc/connect";
import type { FastProtocol } from "../call/fast-call.js";
import { type FastCallContext, type FastMethod, protocolIndex } from "../call/served-method.js";
import { NO_TRAILERS, ResponseHeaders } from "../exchange/exchange.js";
import type { Reply } from "../service/unary-call.js";
import type { FastPathHeaders } from "./fast-path-headers.js";
import { encodeGrpcMessage } from "./grpc-message.js";
import { SourceHeaders } from "./source-headers.js";

const PREFIX_BYTES = 5;
const PLAIN = 0;
const COMPRESSED = 1;
const TRAILERS = 0x80;
const NOTHING = Buffer.alloc(0);
const OK_TRAILERS = new ResponseHeaders(undefined, [["grpc-status", "0"]]);
/** What a small message may be inflated to; what is larger is the general path's. */
const MAX_INFLATED_BYTES = 64 * 1024;
/** Node allocates so much for each message: its default of 16 kB is most of what inflating a check costs. */
const INFLATED_CHUNK_BYTES = 1_024;

/**
 * Inflates a small gzipped message in place.
 *
 * @returns undefined where it is no gzip, or larger than the fast path takes
 */
export function inflateSmall(bytes: Buffer, from: number, to: number, maxBytes: number): Buffer | undefined {
  try {
    return gunzipSync(bytes.subarray(from, to), {
      chunkSize: INFLATED_CHUNK_BYTES,
      maxOutputLength: Math.min(MAX_INFLATED_BYTES, maxBytes),
    });
  } catch {
    return undefined;
  }
}

/** Asks with the one message that a body of gRPC or gRPC-web holds. */
function askFramed(
  method: FastMethod,
  { contentLength, isGzip }: FastPathHeaders,
  maxMessageBytes: number,
  bytes: Buffer,
  from: number,
  to: number,
  call: FastCallContext,
): Reply<Buffer> | Promise<Reply<Buffer>> | undefined {
  const length = to - from;
  if ((contentLength !== undefined && contentLength !== length) || length < PREFIX_BYTES) return undefined;
  const messageBytes = bytes.readUInt32BE(from + 1);
  if (messageBytes !== length - PREFIX_BYTES || messageBytes > maxMessageBytes) return undefined;
  const flags = bytes[from];
  if (flags === PLAIN) return method.binary(bytes, from + PREFIX_BYTES, to, call);
  if (flags !== COMPRESSED || !isGzip) return undefined;
  const message = inflateSmall(bytes, from + PREFIX_BYTES, to, maxMessageBytes);
  return message && method.binary(message, 0, message.length, call);
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
export function webFailure({ code, rawMessage }: ConnectError): Buffer {
  return trailersFrame(`grpc-status: ${code}\r\ngrpc-message: ${encodeGrpcMessage(rawMessage)}\r\n`);
}

function trailersFrame(trailers: string): Buffer {
  const frame = Buffer.alloc(PREFIX_BYTES + trailers.length);
  frame[0] = TRAILERS;
  frame.writeUInt32BE(trailers.length, 1);
  frame.write(trailers, PREFIX_BYTES, "latin1");
  return frame;
}
