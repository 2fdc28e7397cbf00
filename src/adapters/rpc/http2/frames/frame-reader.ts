import { ConnectionFault, ErrorCode, FRAME_HEADER_BYTES, MAX_FRAME_BYTES, MAX_STREAM_ID } from "./protocol.js";

/** Takes frames as they come; the payload lies in `bytes` from `from` to `to`, and is only good until it returns. */
export interface FrameSink {
  /** @param stream its number, 0 for the connection */
  frame(type: number, flags: number, stream: number, bytes: Buffer, from: number, to: number): void;
}

/** What bounds how many more frames are read for now. */
export interface Pace {
  /** Whether the peer takes less than it asks for. Asked before each frame. */
  readonly isBackedUp: boolean;
  /** Whether this connection has had its share of this turn of the event loop. Asked seldom: it reads the clock. */
  isTurnOver(): boolean;
}

/** Frames between two looks at the clock; a power of two. */
const FRAMES_A_LOOK = 32;

/** Cuts what arrives into frames, without copying those that arrive in one piece. Keeps the rest where its pace says so. */
export class FrameReader {
  readonly #sink: FrameSink;
  readonly #pace: Pace;
  #kept: Buffer | undefined;
  #frames = 0;
  #hasMore = false;

  constructor(sink: FrameSink, pace: Pace) {
    this.#sink = sink;
    this.#pace = pace;
  }

  /** Whether frames were kept back, to be read by a later call, be it with no bytes. */
  get hasMore(): boolean {
    return this.#hasMore;
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
    this.#hasMore = false;
    while (end - at >= FRAME_HEADER_BYTES) {
      if (this.#pace.isBackedUp || ((++this.#frames & (FRAMES_A_LOOK - 1)) === 0 && this.#pace.isTurnOver())) {
        this.#hasMore = true;
        break;
      }
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

/** What one connection may take of a turn of the event loop, milliseconds, while it is alone in wanting more. */
const SHARE_MS = 10;
const LEAST_SHARE_MS = 0.5;
/** Two reads of one connection that are closer than this are in the same turn, milliseconds. */
const SAME_TURN_MS = 0.05;

/** How connections that send faster than they can be served share the event loop: each reads for a while, then all others do. */
export class ReadTurns {
  #deferred = 0;

  /** Milliseconds of reading after which a connection waits for its next turn. */
  get shareMs(): number {
    return this.#deferred === 0 ? SHARE_MS : Math.max(LEAST_SHARE_MS, SHARE_MS / (1 + this.#deferred));
  }

  /** Whether a read at `startedAt` follows right upon one that ended at `endedAt`. */
  continues(endedAt: number, startedAt: number): boolean {
    return startedAt - endedAt < SAME_TURN_MS;
  }

  /** Calls back in the next turn of the event loop. */
  next(readOn: () => void): void {
    this.#deferred++;
    setImmediate(() => {
      this.#deferred--;
      readOn();
    });
  }
}
