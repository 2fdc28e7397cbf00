import {
  ConnectionFault,
  DEFAULT_WINDOW,
  ErrorCode,
  MAX_FRAME_BYTES,
  MAX_WINDOW,
  Setting,
  SETTING_BYTES,
} from "./protocol.js";

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
