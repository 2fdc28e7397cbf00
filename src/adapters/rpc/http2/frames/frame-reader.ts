import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import { ConnectionFault, ErrorCode, Flag, FRAME_HEADER_BYTES, MAX_FRAME_BYTES, MAX_STREAM_ID } from "./protocol.js";

/** As much as Node reads at once. */
const BUFFER_BYTES = 64 * 1024;

/** For all connections: what is read into it is dealt with before anything else is read. */
const shared = Buffer.allocUnsafeSlow(BUFFER_BYTES);

/** Takes the first `length` bytes, which are only good until it returns. */
export type OnBytes = (bytes: Buffer, length: number) => void;

/** What a socket is made of that was opened with the option `onread`. */
interface ReaderParts {
  readonly buffer: symbol;
  readonly callback: symbol;
  readonly handle: { useUserBuffer(buffer: Uint8Array): void };
}

/**
 * Reads a socket into one buffer. Node has that as the option `onread` of sockets that connect, and none for those that
 * a server accepts: there it allocates 64 kB for every read and cuts them down to what came, which is a fifth of what a
 * check costs that comes alone. So the option is put into the socket after the fact.
 *
 * @returns whether that was possible; where not, reads allocate as ever
 */
export function readInPlace(socket: Socket, onBytes: OnBytes): boolean {
  const parts = partsOf(socket);
  if (parts === undefined) {
    socket.on("data", (chunk: Buffer) => onBytes(chunk, chunk.length));
    return false;
  }
  const received = socket.read() as Buffer | null;
  Object.assign(socket, {
    [parts.buffer]: shared,
    [parts.callback]: (length: number) => onBytes(shared, length),
  });
  parts.handle.useUserBuffer(shared);
  // As late as an event would be: whoever opens the connection has yet to know it.
  if (received !== null) process.nextTick(onBytes, received, received.length);
  socket.resume();
  return true;
}

function partsOf(socket: Socket): ReaderParts | undefined {
  const { _handle: handle } = socket as { readonly _handle?: Partial<ReaderParts["handle"]> };
  const buffer = ownSymbol(socket, "kBuffer");
  const callback = ownSymbol(socket, "kBufferCb");
  if (buffer === undefined || callback === undefined || typeof handle?.useUserBuffer !== "function") return undefined;
  return { buffer, callback, handle: handle as ReaderParts["handle"] };
}

function ownSymbol(socket: Socket, description: string): symbol | undefined {
  return Object.getOwnPropertySymbols(socket).find((symbol) => symbol.description === description);
}

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

const PRIORITY_BYTES = 5;
/** Nobody needs that many frames for headers that may be read, nor that many bytes. */
const MAX_CONTINUATIONS = 16;
const MAX_BLOCK_BYTES = 65_536;

/** A header block that comes in more than one frame. Nothing else may come in between. */
export class HeaderBlock {
  readonly stream: number;
  readonly flags: number;
  readonly #parts: Buffer[];
  #bytes: number;
  #continuations = 0;

  /** @param bytes of the first part, copied */
  constructor(stream: number, flags: number, bytes: Buffer) {
    this.stream = stream;
    this.flags = flags;
    this.#parts = [Buffer.from(bytes)];
    this.#bytes = bytes.length;
  }

  /**
   * @returns the block, once it is whole
   * @throws ConnectionFault where it never seems to be
   */
  add(stream: number, flags: number, bytes: Buffer): Buffer | undefined {
    if (stream !== this.stream)
      throw new ConnectionFault(ErrorCode.ProtocolError, "a header block went on in another stream");
    if (++this.#continuations > MAX_CONTINUATIONS)
      throw new ConnectionFault(ErrorCode.EnhanceYourCalm, "a header block in very many frames");
    this.#bytes += bytes.length;
    if (this.#bytes > MAX_BLOCK_BYTES)
      throw new ConnectionFault(ErrorCode.EnhanceYourCalm, "a header block of very many bytes");
    this.#parts.push(Buffer.from(bytes));
    return (flags & Flag.EndHeaders) === 0 ? undefined : Buffer.concat(this.#parts);
  }
}

/** Where the content of a frame with padding begins. @throws ConnectionFault where there is more padding than frame */
export function contentStart(flags: number, bytes: Buffer, from: number, to: number): number {
  if ((flags & Flag.Padded) === 0) return from;
  if (from >= to || from + 1 + bytes.readUInt8(from) > to)
    throw new ConnectionFault(ErrorCode.ProtocolError, "a frame with more padding than payload");
  return from + 1;
}

/** Where it ends; asked once it is known where it begins. */
export function contentEnd(flags: number, bytes: Buffer, from: number, to: number): number {
  return (flags & Flag.Padded) === 0 ? to : to - bytes.readUInt8(from);
}

/** Where the header block begins in the content of a frame. @throws ConnectionFault for a stream that waits for itself */
export function blockStart(flags: number, stream: number, bytes: Buffer, from: number, to: number): number {
  if ((flags & Flag.Priority) === 0) return from;
  if (from + PRIORITY_BYTES > to)
    throw new ConnectionFault(ErrorCode.FrameSizeError, "headers without the whole of their priority");
  if ((bytes.readUInt32BE(from) & 0x7fffffff) === stream)
    throw new ConnectionFault(ErrorCode.ProtocolError, "a stream that depends on itself");
  return from + PRIORITY_BYTES;
}
