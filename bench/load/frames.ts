/** HTTP/2 frames (RFC 9113), as far as a client of unary calls needs them. */

export const DATA = 0;
export const HEADERS = 1;
export const RST_STREAM = 3;
export const SETTINGS = 4;
export const PING = 6;
export const GOAWAY = 7;
export const WINDOW_UPDATE = 8;

export const END_STREAM = 1;
export const END_HEADERS = 4;

export const FRAME_HEADER_BYTES = 9;
export const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

const SETTINGS_ENABLE_PUSH = 2;
const SETTINGS_MAX_CONCURRENT_STREAMS = 3;
const SETTINGS_INITIAL_WINDOW_SIZE = 4;
const SETTING_BYTES = 6;

export function frame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const bytes = Buffer.alloc(FRAME_HEADER_BYTES + payload.length);
  bytes.writeUIntBE(payload.length, 0, 3);
  bytes[3] = type;
  bytes[4] = flags;
  bytes.writeInt32BE(stream, 5);
  bytes.set(payload, FRAME_HEADER_BYTES);
  return bytes;
}

/** @param window how many bytes of a stream's answer may be on their way */
export function settings(window: number): Buffer {
  const payload = Buffer.alloc(12);
  payload.writeUInt16BE(SETTINGS_ENABLE_PUSH, 0);
  payload.writeUInt16BE(SETTINGS_INITIAL_WINDOW_SIZE, 6);
  payload.writeUInt32BE(window, 8);
  return frame(SETTINGS, 0, 0, payload);
}

/** @returns how many streams the server takes at a time; undefined where its settings do not say */
export function maxConcurrentStreamsIn(payload: Buffer): number | undefined {
  for (let at = 0; at + SETTING_BYTES <= payload.length; at += SETTING_BYTES) {
    if (payload.readUInt16BE(at) === SETTINGS_MAX_CONCURRENT_STREAMS) return payload.readUInt32BE(at + 2);
  }
  return undefined;
}

/** Of the whole connection. */
export function windowUpdate(bytes: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(bytes);
  return frame(WINDOW_UPDATE, 0, 0, payload);
}
