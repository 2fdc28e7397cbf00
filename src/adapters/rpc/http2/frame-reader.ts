import { ConnectionFault, ErrorCode, FRAME_HEADER_BYTES, MAX_FRAME_BYTES, MAX_STREAM_ID } from "./protocol.js";

/** Takes frames as they come; the payload lies in `bytes` from `from` to `to`, and is only good until it returns. */
export interface FrameSink {
  /** @param stream its number, 0 for the connection */
  frame(type: number, flags: number, stream: number, bytes: Buffer, from: number, to: number): void;
}

/** What comes of frames, as far as it bounds how many more there may be. */
interface Output {
  readonly isBackedUp: boolean;
}

/** Cuts what arrives into frames, without copying those that arrive whole. Keeps them while what came of those before is backed up. */
export class FrameReader {
  readonly #sink: FrameSink;
  readonly #output: Output;
  #kept: Buffer | undefined;

  constructor(sink: FrameSink, output: Output) {
    this.#sink = sink;
    this.#output = output;
  }

  /**
   * Reads what lies in `chunk` from `from` to `to`, which is only good until it returns.
   *
   * @throws ConnectionFault for a frame larger than allowed, and whatever the sink throws
   */
  read(chunk: Buffer, from = 0, to = chunk.length): void {
    if (this.#kept === undefined) this.#cut(chunk, from, to);
    else {
      const bytes = Buffer.concat([this.#kept, chunk.subarray(from, to)]);
      this.#cut(bytes, 0, bytes.length);
    }
  }

  #cut(bytes: Buffer, begin: number, end: number): void {
    let at = begin;
    while (end - at >= FRAME_HEADER_BYTES && !this.#output.isBackedUp) {
      const length = bytes.readUIntBE(at, 3);
      if (length > MAX_FRAME_BYTES) throw new ConnectionFault(ErrorCode.FrameSizeError, `a frame of ${length} bytes`);
      const from = at + FRAME_HEADER_BYTES;
      const to = from + length;
      if (to > end) break;
      // The highest bit is reserved, and ignored.
      const stream = bytes.readUInt32BE(at + 5) & MAX_STREAM_ID;
      this.#sink.frame(bytes.readUInt8(at + 3), bytes.readUInt8(at + 4), stream, bytes, from, to);
      at = to;
    }
    // A copy: a view would hold on to all that was read with it.
    this.#kept = at === end ? undefined : Buffer.from(bytes.subarray(at, end));
  }
}
