import type { Writable } from "node:stream";
import type { ResponseHeaders } from "../../exchange/exchange.js";
import type { HeaderWriter } from "../hpack/header-writer.js";
import type { Http2Stream, ResponseEnd } from "../streams/http2-stream.js";
import { DEFAULT_WINDOW, Flag, FRAME_HEADER_BYTES, FrameType, MAX_FRAME_BYTES } from "./protocol.js";

/** Room for a few hundred answers; no frame is larger. */
const BUFFER_BYTES = 64 * 1024;
/** As many as are kept for whoever writes next. */
const MAX_SPARE = 16;

/** Connections borrow a buffer while they write: one each would be too much for thousands that are idle. */
const spare: Buffer[] = [Buffer.allocUnsafeSlow(BUFFER_BYTES)];

/** Gathers frames, so that the answers to all that was read at once are written at once. */
export class FrameOutput {
  readonly #socket: Writable;
  #bytes: Buffer | undefined;
  #end = 0;
  /** Whether the system took all of what was written last as it was written. It never does with TLS. */
  #tookAtOnce = false;

  constructor(socket: Writable) {
    this.#socket = socket;
  }

  /** Whether the peer takes less than it asks for. */
  get isBackedUp(): boolean {
    return !this.#tookAtOnce && this.#socket.writableNeedDrain;
  }

  frame(type: number, flags: number, stream: number, payload: Uint8Array): void {
    const { length } = payload;
    const bytes = this.#room(FRAME_HEADER_BYTES + length);
    const at = this.#end;
    bytes[at] = length >>> 16;
    bytes[at + 1] = length >>> 8;
    bytes[at + 2] = length;
    bytes[at + 3] = type;
    bytes[at + 4] = flags;
    bytes[at + 5] = stream >>> 24;
    bytes[at + 6] = stream >>> 16;
    bytes[at + 7] = stream >>> 8;
    bytes[at + 8] = stream;
    bytes.set(payload, at + FRAME_HEADER_BYTES);
    this.#end = at + FRAME_HEADER_BYTES + length;
  }

  /** @param block with all headers, in as many frames as it takes. @param flags besides that of the block's end */
  headers(stream: number, flags: number, block: Buffer): void {
    for (let at = 0; at === 0 || at < block.length; at += MAX_FRAME_BYTES) {
      const end = at + MAX_FRAME_BYTES >= block.length ? Flag.EndHeaders : 0;
      const part = block.subarray(at, at + MAX_FRAME_BYTES);
      if (at === 0) this.frame(FrameType.Headers, flags | end, stream, part);
      else this.frame(FrameType.Continuation, end, stream, part);
    }
  }

  flush(): void {
    const bytes = this.#bytes;
    if (bytes === undefined) return;
    const written = bytes.subarray(0, this.#end);
    this.#bytes = undefined;
    this.#end = 0;
    const socket = this.#socket;
    if (!socket.writable) return;
    // A few bytes that wait would hold on to a whole buffer.
    const isCopied = !this.#tookAtOnce;
    socket.write(isCopied ? Buffer.from(written) : written);
    this.#tookAtOnce = socket.writableLength === 0;
    if (spare.length >= MAX_SPARE) return;
    // What the system has not taken yet must not be written over.
    spare.push(isCopied || this.#tookAtOnce ? bytes : Buffer.allocUnsafeSlow(BUFFER_BYTES));
  }

  #room(bytes: number): Buffer {
    return this.#bytes === undefined || this.#end + bytes > BUFFER_BYTES ? this.#borrow() : this.#bytes;
  }

  /** Each first frame comes here as one for which there is no room does. Else only a backlog did, and V8 would throw away what it has compiled. */
  #borrow(): Buffer {
    this.flush();
    const bytes = spare.pop() ?? Buffer.allocUnsafeSlow(BUFFER_BYTES);
    this.#bytes = bytes;
    return bytes;
  }
}

const NOTHING = Buffer.alloc(0);
/** Bytes of responses that wait for windows, from which on no more requests are served until the peer takes some. */
const MAX_UNSENT_BYTES = 1024 * 1024;

/** Writes responses as far as the peer's windows and its socket take them, and the rest as they open. */
export class ResponseSender {
  /** How much more of all responses the peer takes for now. */
  window = DEFAULT_WINDOW;
  /** Bytes of bodies that wait. */
  #unsentBytes = 0;
  /** Requests that wait until there is room for their responses. */
  #waiting: (() => void)[] = [];
  readonly #output: FrameOutput;
  readonly #headers: HeaderWriter;
  readonly #onEnd: (stream: Http2Stream) => void;
  /** Those that wait for the connection's window, or its socket. Who waits for its own window is not looked at until that opens. */
  readonly #blocked = new Set<Http2Stream>();

  /** @param onEnd called for every response that was sent to its end */
  constructor(output: FrameOutput, headers: HeaderWriter, onEnd: (stream: Http2Stream) => void) {
    this.#output = output;
    this.#headers = headers;
    this.#onEnd = onEnd;
  }

  /** Whether what waits leaves room for more. */
  get hasRoom(): boolean {
    return this.#unsentBytes <= MAX_UNSENT_BYTES;
  }

  /** Has a request served once there is room. */
  whenRoom(serve: () => void): void {
    this.#waiting.push(serve);
  }

  serveWaiting(): void {
    while (this.#waiting.length > 0 && this.hasRoom) this.#waiting.shift()?.();
  }

  forgetWaiting(): void {
    this.#waiting = [];
  }

  /** A complete response of the fast path. */
  respond(stream: Http2Stream, headers: ResponseHeaders, body: Buffer, trailers: ResponseHeaders | undefined): void {
    this.#output.frame(FrameType.Headers, Flag.EndHeaders, stream.id, this.#headers.blockOf(headers));
    this.#send(stream, body, trailers ?? "body");
  }

  /** The beginning of a response of the general path. @param block that neither uses nor changes a table */
  begin(stream: Http2Stream, block: Buffer, isEnd: boolean): void {
    this.#output.headers(stream.id, isEnd ? Flag.EndStream : 0, this.#headers.withTableSize(block));
    if (isEnd) this.#onEnd(stream);
  }

  /** The next part of its body; the part before must be sent. @returns whether all of it is sent */
  write(stream: Http2Stream, chunk: Buffer): boolean {
    this.#send(stream, chunk, undefined);
    return stream.unsent === undefined;
  }

  /** @param block of trailers as for `begin`; undefined: there are none */
  end(stream: Http2Stream, block: Buffer | undefined): void {
    const end = block ?? "body";
    if (stream.unsent === undefined) this.#send(stream, NOTHING, end);
    else stream.unsent = { body: stream.unsent.body, end };
  }

  /** The stream's window has opened. */
  resume(stream: Http2Stream): void {
    const { unsent } = stream;
    if (unsent !== undefined) this.#send(stream, unsent.body, unsent.end);
  }

  /** The connection's window has opened, or its socket takes more. */
  resumeAll(): void {
    for (const stream of this.#blocked) {
      if (this.window <= 0 || this.#output.isBackedUp) return;
      this.resume(stream);
    }
  }

  drop(stream: Http2Stream): void {
    const { unsent } = stream;
    if (unsent === undefined) return;
    this.#unsentBytes -= unsent.body.length;
    stream.unsent = undefined;
    this.#blocked.delete(stream);
  }

  #send(stream: Http2Stream, body: Buffer, end: ResponseEnd): void {
    const isLast = end === "body";
    const rest = body.length > 0 || isLast ? this.#data(stream, isLast ? Flag.EndStream : 0, body) : undefined;
    if (stream.unsent !== undefined) this.drop(stream);
    if (rest !== undefined) {
      stream.unsent = { body: rest, end };
      this.#unsentBytes += rest.length;
      if (stream.sendWindow > 0) this.#blocked.add(stream);
      return;
    }
    if (end === undefined) {
      stream.exchange?.drained();
      return;
    }
    if (Buffer.isBuffer(end)) this.#output.headers(stream.id, Flag.EndStream, this.#headers.withTableSize(end));
    else if (end !== "body")
      this.#output.frame(FrameType.Headers, Flag.EndHeaders | Flag.EndStream, stream.id, this.#headers.blockOf(end));
    this.#onEnd(stream);
  }

  /** @returns what has to wait, undefined where nothing has */
  #data(stream: Http2Stream, flags: number, bytes: Buffer): Buffer | undefined {
    let rest = bytes;
    for (;;) {
      const room = Math.min(MAX_FRAME_BYTES, this.window, stream.sendWindow);
      if (rest.length <= room || rest.length === 0) {
        this.#frame(stream, flags, rest);
        return undefined;
      }
      // In slices: all of a large response at once would wait in the socket's own buffer, without a bound.
      if (room <= 0 || this.#output.isBackedUp) return rest;
      this.#frame(stream, 0, rest.subarray(0, room));
      rest = rest.subarray(room);
    }
  }

  #frame(stream: Http2Stream, flags: number, bytes: Buffer): void {
    this.#output.frame(FrameType.Data, flags, stream.id, bytes);
    this.window -= bytes.length;
    stream.sendWindow -= bytes.length;
  }
}
