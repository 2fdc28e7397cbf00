import { gzipSync } from "node:zlib";
import { create, toBinary } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { GetBooleanEntitlementRequestSchema } from "../../../src/adapters/rpc/gen/stigg/sidecar/v1/sidecar_pb.js";
import { frame } from "./raw-http2.js";

/** The limit that these calls are about. */
export const MAX_MESSAGE_BYTES = 1024;
export const GRPC = { "content-type": "application/grpc", te: "trailers" };
export const CHECK = toBinary(
  GetBooleanEntitlementRequestSchema,
  create(GetBooleanEntitlementRequestSchema, { customerId: "acme", featureId: "sso" }),
);
const sized = (bytes: number) =>
  Buffer.concat([
    CHECK,
    Buffer.from([0x1a, 0x80 | ((bytes - CHECK.length - 3) & 0x7f), (bytes - CHECK.length - 3) >> 7]),
    Buffer.alloc(bytes - CHECK.length - 3, "x"),
  ]);

export interface MalformedCall {
  readonly name: string;
  readonly body: Buffer | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  readonly status: Code | 0;
  readonly message?: string;
}

/** Calls of GetBooleanEntitlement that no client library makes, and how they are refused. */
export const MALFORMED_CALLS: readonly MalformedCall[] = [
  { name: "no message", body: undefined, status: Code.Unimplemented, message: "missing input message" },
  {
    name: "a prefix that is cut off",
    body: frame(CHECK).subarray(0, 3),
    status: Code.InvalidArgument,
    message: "cut off",
  },
  {
    name: "a prefix without its message",
    body: frame(CHECK).subarray(0, 5),
    status: Code.InvalidArgument,
    message: "cut off",
  },
  {
    name: "a message that is cut off",
    body: frame(CHECK).subarray(0, 9),
    status: Code.InvalidArgument,
    message: "cut off",
  },
  {
    name: "bytes after the message",
    body: Buffer.concat([frame(CHECK), Buffer.alloc(2)]),
    status: Code.InvalidArgument,
    message: "cut off",
  },
  {
    name: "two messages",
    body: Buffer.concat([frame(CHECK), frame(CHECK)]),
    status: Code.Unimplemented,
    message: "extra input message",
  },
  { name: "unknown flags", body: frame(CHECK, 0b10), status: Code.InvalidArgument, message: "begins with 0x02" },
  {
    name: "the flag of a trailer",
    body: frame(CHECK, 0x80),
    status: Code.InvalidArgument,
    message: "begins with 0x80",
  },
  {
    name: "compressed by nothing",
    body: frame(gzipSync(CHECK), 1),
    status: Code.Internal,
    message: "do not know how to decompress",
  },
  {
    name: "an unknown compression",
    body: frame(CHECK, 1),
    headers: { "grpc-encoding": "snappy" },
    status: Code.Unimplemented,
    message: "supported encodings are gzip",
  },
  {
    name: "what gzip did not write",
    body: frame(CHECK, 1),
    headers: { "grpc-encoding": "gzip" },
    status: Code.InvalidArgument,
    message: "the message is not gzip",
  },
  {
    name: "a message that is large only once it is decompressed",
    body: frame(gzipSync(sized(8192)), 1),
    headers: { "grpc-encoding": "gzip" },
    status: Code.ResourceExhausted,
    message: "larger than",
  },
  {
    name: "a length beyond all bounds",
    body: Buffer.from([0, 0xff, 0xff, 0xff, 0xff]),
    status: Code.ResourceExhausted,
    message: "larger than",
  },
  {
    name: "a message one byte too large",
    body: frame(sized(MAX_MESSAGE_BYTES + 1)),
    status: Code.ResourceExhausted,
    message: "larger than",
  },
  { name: "a message just small enough", body: frame(sized(MAX_MESSAGE_BYTES)), status: 0 },
  {
    name: "what is no protobuf",
    body: frame(Buffer.from("ffffffff", "hex")),
    status: Code.Internal,
    message: "parse binary",
  },
  {
    name: "a deadline that is none",
    body: frame(CHECK),
    headers: { "grpc-timeout": "soon" },
    status: Code.InvalidArgument,
    message: "soon",
  },
];
