import { Duplex } from "node:stream";
import { HTTP2_PREFACE } from "../listener/http-protocol.js";
import { FrameReader, type FrameSink } from "./frame-reader.js";
import { encodeLiteral } from "./hpack/literal-headers.js";
import type { HeaderList } from "./hpack/header-list.js";
import { DEFAULT_WINDOW, ErrorCode, Flag, FRAME_HEADER_BYTES, FrameType, MAX_FRAME_BYTES, Setting, settingsPayload, uint32 } from "./protocol.js";

const NOTHING = Buffer.alloc(0);
/** How much of all answers may be on its way from Node to the client: granted again when half of it has arrived. */
const SESSION_WINDOW = DEFAULT_WINDOW;

/** Node itself stops writing where its answers are backed up. */
const UNBOUNDED = { isBackedUp: false };

/** A header block that sets the size of the table (RFC 7541, section 6.3). */
const TABLE_SIZE_MASK = 0xe0;
const TABLE_SIZE = 0x20;
const FIVE_BITS = 0x1f;

/** What becomes of the frames by which Node answers. */
export interface NodeAnswers {
  /**
   * A frame of a stream: of its answer, or one that grants room for more of its request. Header blocks are whole,
   * also where that is more than a frame takes.
   *
   * @param payload good until it returns
   */
  forward(type: number, flags: number, stream: number, payload: Buffer): void;
  /** Node has read so much of what was passed on to it. */
  consumed(bytes: number): void;
  /** The session is over; also said where the owner has ended it. */
  failed(code: number): void;
  /** Whether Node has to wait before it sends more. */
  readonly isBackedUp: boolean;
}

/**
 * A session of node:http2 that lives in memory and serves some streams of a connection that is not its own. It is told
 * of their frames as they are, but for headers: it gets and writes those without a table, which only the owner of
 * the connection could keep.
 */
export class NodeSession extends Duplex implements FrameSink {
  readonly #answers: NodeAnswers;
  readonly #reader = new FrameReader(this, UNBOUNDED);
  /** Passed on by what is being read, all at once. */
  #frames: Buffer[] = [];
  #sentBytes = 0;
  #block: { readonly stream: number; readonly flags: number; readonly parts: Buffer[] } | undefined;
  #resumeWriting: (() => void) | undefined;

  /** @param initialWindow how much of an answer the client takes on a stream that begins, bytes */
  constructor(answers: NodeAnswers, initialWindow: number) {
    super({ allowHalfOpen: false });
    this.#answers = answers;
    // What it is about, `failed` tells.
    this.on("error", () => undefined);
    this.push(HTTP2_PREFACE);
    this.#settings([Setting.HeaderTableSize, 0], [Setting.EnablePush, 0], [Setting.InitialWindowSize, initialWindow]);
  }

  /** A stream begins, or ends with these as trailers. */
  headers(stream: number, { headers }: HeaderList, isEnd: boolean): void {
    const block = encodeLiteral(headers.map(({ name, value }) => [name, value] as const));
    const end = isEnd ? Flag.EndStream : 0;
    for (let at = 0; at === 0 || at < block.length; at += MAX_FRAME_BYTES) {
      const isLast = at + MAX_FRAME_BYTES >= block.length ? Flag.EndHeaders : 0;
      const part = block.subarray(at, at + MAX_FRAME_BYTES);
      if (at === 0) this.pass(FrameType.Headers, end | isLast, stream, part);
      else this.pass(FrameType.Continuation, isLast, stream, part);
    }
  }

  /** Any other frame of a stream. @param payload is copied */
  pass(type: number, flags: number, stream: number, payload: Uint8Array): void {
    const frame = Buffer.allocUnsafe(FRAME_HEADER_BYTES + payload.length);
    frame.writeUIntBE(payload.length, 0, 3);
    frame[3] = type;
    frame[4] = flags;
    frame.writeUInt32BE(stream, 5);
    frame.set(payload, FRAME_HEADER_BYTES);
    if (this.#frames.push(frame) === 1) queueMicrotask(this.#pushAll);
  }

  /** So much of the answers is sent, or needs not be. */
  sent(bytes: number): void {
    this.#sentBytes += bytes;
    if (this.#sentBytes < SESSION_WINDOW / 2) return;
    this.pass(FrameType.WindowUpdate, 0, 0, uint32(this.#sentBytes));
    this.#sentBytes = 0;
  }

  /** The client takes more or less from now on. */
  changeInitialWindow(bytes: number): void {
    this.#settings([Setting.InitialWindowSize, bytes]);
  }

  /** The client takes more again. */
  resumeWriting(): void {
    const resume = this.#resumeWriting;
    this.#resumeWriting = undefined;
    resume?.();
  }

  frame(type: number, flags: number, stream: number, bytes: Buffer, from: number, to: number): void {
    switch (type) {
      case FrameType.Settings:
        if ((flags & Flag.Ack) === 0) this.pass(FrameType.Settings, Flag.Ack, 0, NOTHING);
        return;
      case FrameType.Ping:
        if ((flags & Flag.Ack) === 0) this.pass(FrameType.Ping, Flag.Ack, 0, bytes.subarray(from, to));
        return;
      case FrameType.GoAway: {
        const code = bytes.readUInt32BE(from + 4);
        this.#answers.failed(code === ErrorCode.NoError ? ErrorCode.InternalError : code);
        return;
      }
      case FrameType.WindowUpdate:
        if (stream === 0) this.#answers.consumed(bytes.readUInt32BE(from));
        else this.#answers.forward(type, flags, stream, bytes.subarray(from, to));
        return;
      case FrameType.Headers:
        this.#headers(stream, flags, bytes.subarray(behindTableSizes(bytes, from, to), to));
        return;
      case FrameType.Continuation:
        this.#continuation(flags, bytes.subarray(from, to));
        return;
      case FrameType.Data:
      case FrameType.RstStream:
        this.#answers.forward(type, flags, stream, bytes.subarray(from, to));
        return;
      default:
      // Nothing else is of a stream.
    }
  }

  override _read(): void {
    // What comes is pushed as it comes; the client's windows bound it.
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#reader.read(chunk);
    if (this.#answers.isBackedUp) this.#resumeWriting = done;
    else done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#resumeWriting = undefined;
    done(error);
    // Node may end the session without a word, and would leave its streams without an answer for ever.
    this.#answers.failed(ErrorCode.InternalError);
  }

  readonly #pushAll = (): void => {
    const frames = this.#frames;
    this.#frames = [];
    if (!this.destroyed) this.push(Buffer.concat(frames));
  };

  #headers(stream: number, flags: number, part: Buffer): void {
    if ((flags & Flag.EndHeaders) !== 0) this.#answers.forward(FrameType.Headers, flags, stream, part);
    else this.#block = { stream, flags, parts: [Buffer.from(part)] };
  }

  #continuation(flags: number, part: Buffer): void {
    if (this.#block === undefined) return;
    const { stream, flags: first, parts } = this.#block;
    parts.push(Buffer.from(part));
    if ((flags & Flag.EndHeaders) === 0) return;
    this.#block = undefined;
    this.#answers.forward(FrameType.Headers, first | Flag.EndHeaders, stream, Buffer.concat(parts));
  }

  #settings(...settings: readonly (readonly [setting: number, value: number])[]): void {
    this.pass(FrameType.Settings, 0, 0, settingsPayload(...settings));
  }
}

/** Node begins its first block by saying that it uses no table. To the client that would be about the table of its own. */
function behindTableSizes(bytes: Buffer, from: number, to: number): number {
  let at = from;
  while (at < to && (bytes.readUInt8(at) & TABLE_SIZE_MASK) === TABLE_SIZE) {
    const isLong = (bytes.readUInt8(at++) & FIVE_BITS) === FIVE_BITS;
    if (isLong) while ((bytes.readUInt8(at++) & 0x80) !== 0);
  }
  return at;
}
