import { block, type Field, indexed, intoTable, uint32 } from "./frames.js";

const SERVICE = "/stigg.sidecar.v1.SidecarService/";

export const CHECK_PATH = `${SERVICE}GetMeteredEntitlement`;
export const STATE_PATH = `${SERVICE}GetEntitlementsStateV2`;
export const REPORT_BULK_PATH = `${SERVICE}ReportUsageBulk`;
export const REPORT_EVENTS_PATH = `${SERVICE}ReportEvents`;
export const HEALTH_CHECK_PATH = "/grpc.health.v1.Health/Check";
export const HEALTH_WATCH_PATH = "/grpc.health.v1.Health/Watch";
export const REFLECTION_PATH = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";

const GRPC = "application/grpc";

export function requestFields(
  path: string,
  { type = GRPC, more = [] }: { readonly type?: string; readonly more?: readonly Field[] } = {},
): Field[] {
  return [
    [":method", "POST"],
    [":scheme", "http"],
    [":path", path],
    [":authority", "127.0.0.1"],
    ["content-type", type],
    ["te", "trailers"],
    ...more,
  ];
}

/** The header block of a request, every field spelled out. */
export function requestBlock(
  path: string,
  options: { readonly type?: string; readonly more?: readonly Field[] } = {},
): Buffer {
  return block(requestFields(path, options));
}

/** The same as a client with a table sends it: the first request of a connection, and the few bytes of every later one. */
export function shortBlocks(
  path: string,
  more: readonly Field[] = [],
): { readonly first: Buffer; readonly later: Buffer } {
  const fields = requestFields(path, { more });
  const newest = 61 + fields.length;
  return {
    first: Buffer.concat(fields.map(intoTable)),
    later: Buffer.concat(fields.map((_, index) => indexed(newest - index))),
  };
}

/** A message behind gRPC's prefix of five bytes. */
export function grpcMessage(message: Uint8Array, isCompressed = false): Buffer {
  return Buffer.concat([Buffer.of(isCompressed ? 1 : 0), uint32(message.length), message]);
}

/** A length-delimited field of a protobuf message. */
export function field(number: number, value: Uint8Array | string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes]);
}

export const CHECK = grpcMessage(Buffer.concat([field(1, "customer-demo"), field(2, "seats")]));
export const STATE_REQUEST = grpcMessage(field(1, "globex"));
export const EMPTY_MESSAGE = grpcMessage(Buffer.alloc(0));

const CHECK_JSON = '{"customerId":"customer-demo","featureId":"seats"}';

/** A check in JSON over HTTP/1.1. */
export function http1Check(more: readonly string[] = [], body = CHECK_JSON): string {
  return [...http1Head([`Content-Length: ${Buffer.byteLength(body)}`, ...more]), "", body].join("\r\n");
}

/** The lines before the empty one. */
export function http1Head(more: readonly string[] = [], path = CHECK_PATH): string[] {
  return [`POST ${path} HTTP/1.1`, "Host: 127.0.0.1", "Content-Type: application/json", ...more];
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return Buffer.from([...bytes, rest]);
}
