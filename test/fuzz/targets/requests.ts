import { gzipSync } from "node:zlib";
import { encodeLiteral, indexedLiteral } from "../../../src/adapters/rpc/http2/hpack/header-writer.js";
import { frame as message } from "../../conformance/harness/raw-http2.js";
import type { Fields } from "../../integration/http2/http2-frames.js";
import type { ByteSource } from "../byte-source.js";
import { CHECK_BODY, CHECK_PATH } from "./fuzz-server.js";

const SERVICE = "/stigg.sidecar.v1.SidecarService";
const PATHS = [
  CHECK_PATH,
  CHECK_PATH,
  `${SERVICE}/GetEntitlement`,
  `${SERVICE}/GetEntitlementV2`,
  `${SERVICE}/GetEntitlements`,
  `${SERVICE}/ReportUsage`,
  `${SERVICE}/ReportEvents`,
  `${SERVICE}/ReloadEntitlements`,
  "/grpc.health.v1.Health/Check",
  "/grpc.health.v1.Health/Watch",
  "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
  `${SERVICE}/Nothing`,
  "/",
  "*",
  "",
  `${CHECK_PATH}?connect=v1&encoding=json&message=%7B%7D`,
];
const TYPES = [
  "application/grpc",
  "application/grpc",
  "application/grpc+proto",
  "application/grpc+json",
  "application/grpc-web+proto",
  "application/grpc-web-text",
  "application/json",
  "application/proto",
  "application/connect+json",
  "text/plain",
  "",
];
const MORE: Fields = [
  ["grpc-timeout", "1S"],
  ["grpc-timeout", "1n"],
  ["grpc-timeout", "x"],
  ["connect-timeout-ms", "5"],
  ["connect-protocol-version", "1"],
  ["grpc-encoding", "gzip"],
  ["content-encoding", "gzip"],
  ["grpc-encoding", "br"],
  ["grpc-accept-encoding", "gzip"],
  ["expect", "100-continue"],
  ["expect", "something"],
  ["content-length", "5"],
  ["content-length", "-1"],
  ["x-entitlement-detail", "1"],
  ["connection", "close"],
  ["te", "gzip"],
  ["Upper", "case"],
  [":path", "/"],
  [":status", "200"],
  ["x-nul", "a\0b"],
  ["cookie", "a=b"],
  ["host", "another"],
  ["x-long", "y".repeat(3_000)],
];
const BODIES = [
  CHECK_BODY,
  message(Buffer.alloc(0)),
  Buffer.alloc(0),
  Buffer.from('{"customerId":"acme","featureId":"sso"}'),
  message(gzipSync(Buffer.from("\n\x04acme\x12\x03sso", "latin1")), 1),
  message(Buffer.from("not gzip"), 1),
  Buffer.concat([CHECK_BODY, CHECK_BODY]),
  CHECK_BODY.subarray(0, 7),
  Buffer.from([0, 0xff, 0xff, 0xff, 0xff]),
  Buffer.from([0x80, 0, 0, 0, 0]),
  message(gzipSync(Buffer.alloc(200_000)), 1),
  Buffer.alloc(70_000, 1),
];

/** The header block of a request: that of a call for the most part. */
export function requestBlock(source: ByteSource): Buffer {
  const method = source.seldom(6) ? source.oneOf(["GET", "OPTIONS", "HEAD", "CONNECT", "put", ""]) : "POST";
  const authority = source.seldom(8) ? source.oneOf(["", "%", "a:b:c", "[::1"]) : "a";
  const fields: [string, string][] = [
    [":method", method],
    [":scheme", "http"],
    [":path", source.oneOf(PATHS)],
    [":authority", authority],
    ["te", "trailers"],
    ["content-type", source.oneOf(TYPES)],
  ];
  if (source.seldom(8)) fields.splice(source.integer(0, 5), 1);
  for (let more = source.oneOf([0, 0, 0, 1, 1, 2, 4]); more > 0; more--) {
    const field = source.oneOf(MORE);
    if (source.seldom(8)) fields.splice(source.integer(0, fields.length), 0, [...field]);
    else fields.push([...field]);
  }
  if (source.seldom(5)) return Buffer.concat(fields.map(([name, value]) => indexedLiteral(name, value)));
  return encodeLiteral(fields);
}

export function requestBody(source: ByteSource): Buffer {
  if (!source.seldom(8)) return source.oneOf(BODIES);
  return source.take(source.integer(0, 40));
}
