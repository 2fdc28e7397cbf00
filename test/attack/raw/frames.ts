/** HTTP/2 frames (RFC 9113) and header blocks (RFC 7541) by the byte, correct or not. */
export const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");

export const FrameType = {
  Data: 0,
  Headers: 1,
  Priority: 2,
  RstStream: 3,
  Settings: 4,
  Ping: 6,
  GoAway: 7,
  WindowUpdate: 8,
  Continuation: 9,
} as const;

export const END_STREAM = 0x1;
export const ACK = 0x1;
export const END_HEADERS = 0x4;
export const PADDED = 0x8;

export const HEADER_TABLE_SIZE = 1;
export const INITIAL_WINDOW_SIZE = 4;
export const DEFAULT_WINDOW = 65_535;
export const MAX_WINDOW = 0x7fff_ffff;
export const MAX_FRAME_BYTES = 16_384;
export const FRAME_HEADER_BYTES = 9;

const NOTHING = Buffer.alloc(0);
const CANCEL = 8;

export function frame(type: number, flags: number, stream: number, payload: Uint8Array = NOTHING): Buffer {
  const bytes = Buffer.allocUnsafe(FRAME_HEADER_BYTES + payload.length);
  bytes.writeUIntBE(payload.length, 0, 3);
  bytes[3] = type;
  bytes[4] = flags;
  bytes.writeUInt32BE(stream, 5);
  bytes.set(payload, FRAME_HEADER_BYTES);
  return bytes;
}

export function settings(...values: readonly (readonly [setting: number, value: number])[]): Buffer {
  const payload = Buffer.alloc(values.length * 6);
  values.forEach(([setting, value], index) => {
    payload.writeUInt16BE(setting, index * 6);
    payload.writeUInt32BE(value, index * 6 + 2);
  });
  return frame(FrameType.Settings, 0, 0, payload);
}

/** @param stream 0 for the connection */
export function windowUpdate(stream: number, bytes: number): Buffer {
  return frame(FrameType.WindowUpdate, 0, stream, uint32(bytes));
}

export function reset(stream: number, code = CANCEL): Buffer {
  return frame(FrameType.RstStream, 0, stream, uint32(code));
}

export function data(stream: number, payload: Uint8Array, flags = 0): Buffer {
  return frame(FrameType.Data, flags, stream, payload);
}

export function headers(stream: number, block: Uint8Array, flags = END_HEADERS): Buffer {
  return frame(FrameType.Headers, flags, stream, block);
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** The same bytes so many times, made by a function of the index. */
export function repeated(count: number, make: (index: number) => Uint8Array): Buffer {
  return Buffer.concat(Array.from({ length: count }, (_, index) => make(index)));
}

export type Field = readonly [name: string, value: string];

/** A field that is not to be put into the table. */
export function literal([name, value]: Field): Buffer {
  return Buffer.concat([Buffer.of(0), text(name), text(value)]);
}

/** A field that is to be put into the table. */
export function intoTable([name, value]: Field): Buffer {
  return Buffer.concat([Buffer.of(0x40), text(name), text(value)]);
}

/** A field by its place: 62 is the one that was put into the table last. */
export function indexed(index: number): Buffer {
  return integer(0x80, 7, index);
}

/** A change of the table's size, bytes. */
export function tableSize(bytes: number): Buffer {
  return integer(0x20, 5, bytes);
}

export function block(fields: readonly Field[]): Buffer {
  return Buffer.concat(fields.map(literal));
}

/** An integer of HPACK behind the flags that share its first byte. */
export function integer(flags: number, bits: number, value: number): Buffer {
  const max = 2 ** bits - 1;
  if (value < max) return Buffer.of(flags | value);
  const bytes = [flags | max];
  let rest = value - max;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return Buffer.from([...bytes, rest]);
}

function text(value: string): Buffer {
  return Buffer.concat([integer(0, 7, value.length), Buffer.from(value, "latin1")]);
}
