import { encodeLiteral } from "../../../src/adapters/rpc/http2/hpack/header-writer.js";

/** HTTP/2 by the byte, for what no client library would send. */
export const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");

export const DATA = 0;
export const HEADERS = 1;
export const PRIORITY = 2;
export const RST_STREAM = 3;
export const SETTINGS = 4;
export const PING = 6;
export const GOAWAY = 7;
export const WINDOW_UPDATE = 8;
export const CONTINUATION = 9;

export const ACK = 0x1;
export const END_STREAM = 0x1;
export const END_HEADERS = 0x4;
export const PADDED = 0x8;

export const HEADER_TABLE_SIZE = 1;
export const INITIAL_WINDOW_SIZE = 4;

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

export function frame(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

export function settings(...values: readonly (readonly [setting: number, value: number])[]): Buffer {
  return frame(
    SETTINGS,
    0,
    0,
    Buffer.concat(values.map(([setting, value]) => Buffer.concat([Buffer.from([0, setting]), uint32(value)]))),
  );
}

export function windowUpdate(stream: number, bytes: number): Buffer {
  return frame(WINDOW_UPDATE, 0, stream, uint32(bytes));
}

/** @param code by default that of a client that wants no answer any more */
export function reset(stream: number, code = 8): Buffer {
  return frame(RST_STREAM, 0, stream, uint32(code));
}

export function ping(payload: string): Buffer {
  return frame(PING, 0, 0, Buffer.from(payload.padEnd(8), "latin1"));
}

export function data(stream: number, payload: Uint8Array, flags = 0): Buffer {
  return frame(DATA, flags, stream, Buffer.from(payload));
}

/** A payload with so many bytes of padding, for a frame with the flag PADDED. */
export function padded(payload: Uint8Array, padding: number): Buffer {
  return Buffer.concat([Buffer.of(padding), payload, Buffer.alloc(padding)]);
}

export type Fields = readonly (readonly [name: string, value: string])[];

/** A header block that spells everything out. */
export function headers(stream: number, fields: Fields, flags = END_HEADERS): Buffer {
  return frame(HEADERS, flags, stream, encodeLiteral(fields));
}

/** The headers of a plain gRPC call. */
export function grpcFields(path: string): Fields {
  return [
    [":method", "POST"],
    [":scheme", "http"],
    [":path", path],
    [":authority", "a"],
    ["te", "trailers"],
    ["content-type", "application/grpc"],
  ];
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** ":method GET, :scheme http, :path /, :authority a" in HPACK without the dynamic table. */
export const GET_HEADERS = Buffer.from([0x82, 0x86, 0x84, 0x01, 0x01, 0x61]);

export function get(stream: number): Buffer {
  return frame(HEADERS, END_STREAM | END_HEADERS, stream, GET_HEADERS);
}

/** What a client opens with. */
export const OPENING = Buffer.concat([PREFACE, frame(SETTINGS, 0, 0)]);

/** The whole frames at the beginning of what was received. */
export function framesIn(received: Buffer): Frame[] {
  const frames: Frame[] = [];
  for (let at = 0; at + 9 <= received.length;) {
    const end = at + 9 + received.readUIntBE(at, 3);
    if (end > received.length) break;
    frames.push({
      type: received.readUInt8(at + 3),
      flags: received.readUInt8(at + 4),
      stream: received.readUInt32BE(at + 5),
      payload: received.subarray(at + 9, end),
    });
    at = end;
  }
  return frames;
}

export function bodyOf(received: Buffer, stream: number): string {
  const parts = framesIn(received).filter((each) => each.type === DATA && each.stream === stream);
  return Buffer.concat(parts.map((each) => each.payload)).toString("latin1");
}

export function hasEnded(received: Buffer, stream: number): boolean {
  return framesIn(received).some(
    (each) => each.type === DATA && each.stream === stream && (each.flags & END_STREAM) !== 0,
  );
}
