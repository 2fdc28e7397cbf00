import type { ResponseHeaders } from "../../exchange/exchange.js";
import type { FrameOutput } from "../frames/frame-output.js";
import { DEFAULT_WINDOW, Flag, FrameType, MAX_FRAME_BYTES } from "../frames/protocol.js";
import type { HeaderWriter } from "../hpack/header-writer.js";
import type { Http2Stream, ResponseEnd } from "./http2-stream.js";

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
