/** HTTP/2's numbers (RFC 9113, sections 4, 6 and 7). */

/** What every HTTP/2 connection starts with (RFC 9113, section 3.4). */
export const HTTP2_PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");

export const FRAME_HEADER_BYTES = 9;
/** What a frame's payload may be unless the other side allows more, and as much as is allowed here. */
export const MAX_FRAME_BYTES = 16_384;
/** What may be on its way in either direction, on a connection and on each of its streams, unless said otherwise. */
export const DEFAULT_WINDOW = 65_535;
export const MAX_WINDOW = 2 ** 31 - 1;
export const MAX_STREAM_ID = 2 ** 31 - 1;

export const FrameType = {
  Data: 0,
  Headers: 1,
  Priority: 2,
  RstStream: 3,
  Settings: 4,
  PushPromise: 5,
  Ping: 6,
  GoAway: 7,
  WindowUpdate: 8,
  Continuation: 9,
} as const;

export const Flag = {
  Ack: 0x1,
  EndStream: 0x1,
  EndHeaders: 0x4,
  Padded: 0x8,
  Priority: 0x20,
} as const;

export const Setting = {
  HeaderTableSize: 1,
  EnablePush: 2,
  MaxConcurrentStreams: 3,
  InitialWindowSize: 4,
  MaxFrameSize: 5,
  MaxHeaderListSize: 6,
} as const;

export const ErrorCode = {
  NoError: 0,
  ProtocolError: 1,
  InternalError: 2,
  FlowControlError: 3,
  StreamClosed: 5,
  FrameSizeError: 6,
  RefusedStream: 7,
  Cancel: 8,
  CompressionError: 9,
  EnhanceYourCalm: 11,
} as const;

/** What a peer did after which nothing that it sends can be understood, or should be. Ends its connection. */
export class ConnectionFault extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** A payload, or a part of one. */
export function uint32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** Of one setting: what, and how much. */
const SETTING_BYTES = 6;

export function settingsPayload(...settings: readonly (readonly [setting: number, value: number])[]): Buffer {
  const payload = Buffer.alloc(SETTING_BYTES * settings.length);
  for (const [index, [setting, value]] of settings.entries()) {
    payload.writeUInt16BE(setting, SETTING_BYTES * index);
    payload.writeUInt32BE(value, SETTING_BYTES * index + 2);
  }
  return payload;
}

const LARGEST_FRAME_BYTES = 2 ** 24 - 1;

/** What the other side has said of itself, as far as it matters to who answers. */
export class PeerSettings {
  /** Smallest SETTINGS_HEADER_TABLE_SIZE seen, octets. Must be signalled even if it was raised again (RFC 7541, 4.2). */
  headerTableBytes = 4_096;
  /** How much of an answer may be on its way on a stream that begins. */
  initialWindow = DEFAULT_WINDOW;

  /** @throws ConnectionFault for values that there may not be */
  take(bytes: Buffer, from: number, to: number): void {
    if ((to - from) % SETTING_BYTES !== 0)
      throw new ConnectionFault(ErrorCode.FrameSizeError, "settings that are cut off");
    for (let at = from; at < to; at += SETTING_BYTES) this.#take(bytes.readUInt16BE(at), bytes.readUInt32BE(at + 2));
  }

  #take(setting: number, value: number): void {
    switch (setting) {
      case Setting.HeaderTableSize:
        this.headerTableBytes = Math.min(this.headerTableBytes, value);
        return;
      case Setting.EnablePush:
        if (value > 1) throw new ConnectionFault(ErrorCode.ProtocolError, `push is ${value}, neither on nor off`);
        return;
      case Setting.InitialWindowSize:
        if (value > MAX_WINDOW) throw new ConnectionFault(ErrorCode.FlowControlError, `an initial window of ${value}`);
        this.initialWindow = value;
        return;
      case Setting.MaxFrameSize:
        if (value < MAX_FRAME_BYTES || value > LARGEST_FRAME_BYTES)
          throw new ConnectionFault(ErrorCode.ProtocolError, `frames of up to ${value} bytes`);
        return;
      default:
      // What it takes in any other way is never sent to it; unknown settings have to be ignored.
    }
  }
}
