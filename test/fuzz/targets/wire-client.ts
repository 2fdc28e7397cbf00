import { connect, type Socket } from "node:net";
import { HeaderDecoder } from "../../../src/adapters/rpc/http2/hpack/header-decoder.js";
import {
  ACK,
  CONTINUATION,
  DATA,
  END_HEADERS,
  END_STREAM,
  frame,
  framesIn,
  GOAWAY,
  HEADERS,
  PING,
  RST_STREAM,
  SETTINGS,
  WINDOW_UPDATE,
} from "../../integration/http2/http2-frames.js";

const DEFAULT_WINDOW = 65_535;
const FRAME_HEADER_BYTES = 9;
const MOST_FRAME_BYTES = 16_384;

/** What came on one stream. */
export interface StreamSeen {
  readonly headers: Map<string, string>;
  blocks: number;
  dataBytes: number;
  hasEnded: boolean;
  /** The code by which the server reset it. */
  reset: number | undefined;
}

/** A client that writes whatever it is given, and takes no offence but at what the server must never send. */
export class WireClient {
  readonly socket: Socket;
  readonly streams = new Map<number, StreamSeen>();
  /** What the server has sent against the protocol. */
  readonly violations: string[] = [];
  /** The code by which the server has ended the connection. */
  goAway: number | undefined;
  isClosed = false;
  /** What may still be sent on all streams, bytes, as far as the server has said. */
  uploadWindow = DEFAULT_WINDOW;
  /** What the server may still send on all streams, bytes. */
  window = DEFAULT_WINDOW;
  /** Settings frames that the server has not acknowledged. */
  unacknowledged = 0;
  readonly #decoder = new HeaderDecoder(1_000_000);
  readonly #pings = new Set<string>();
  #block: { readonly stream: number; readonly isEnd: boolean; readonly parts: Buffer[] } | undefined;
  #unread = Buffer.alloc(0);
  /** Answers that must not come within a frame which is being written. */
  #held: Buffer[] | undefined;
  #waiting: () => void = () => undefined;

  constructor(port: number) {
    this.socket = connect({ port, host: "127.0.0.1", noDelay: true });
    this.socket.on("error", () => undefined);
    this.socket.on("data", (chunk: Buffer) => this.#read(chunk));
    this.socket.on("close", () => {
      this.isClosed = true;
      this.#waiting();
    });
  }

  seen(stream: number): StreamSeen {
    let seen = this.streams.get(stream);
    if (seen === undefined) {
      seen = { headers: new Map(), blocks: 0, dataBytes: 0, hasEnded: false, reset: undefined };
      this.streams.set(stream, seen);
    }
    return seen;
  }

  isOver(stream: number): boolean {
    const { hasEnded, reset } = this.seen(stream);
    return hasEnded || reset !== undefined;
  }

  write(bytes: Uint8Array): void {
    if (this.socket.writable) this.socket.write(bytes);
  }

  /** Until they are sent, nothing is written but what `write` is given. */
  holdReplies(): void {
    this.#held ??= [];
  }

  sendReplies(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const reply of held) this.write(reply);
  }

  /** Settles when it is so, or the connection has ended. @returns whether it is so */
  async until(isSo: () => boolean): Promise<boolean> {
    while (!isSo()) {
      if (this.isClosed) return false;
      await new Promise<void>((resolve) => (this.#waiting = resolve));
    }
    return true;
  }

  /** Settles when everything written before was read, or the connection has ended. @returns whether it goes on */
  caughtUp(name: string): Promise<boolean> {
    const payload = name.padEnd(8).slice(0, 8);
    this.#pings.add(payload);
    this.write(frame(PING, 0, 0, Buffer.from(payload, "latin1")));
    return this.until(() => !this.#pings.has(payload) || this.goAway !== undefined).then(
      (isSo) => isSo && this.goAway === undefined,
    );
  }

  #reply(reply: Buffer): void {
    if (this.#held === undefined) this.write(reply);
    else this.#held.push(reply);
  }

  #read(chunk: Buffer): void {
    const bytes = this.#unread.length === 0 ? chunk : Buffer.concat([this.#unread, chunk]);
    let at = 0;
    for (const { type, flags, stream, payload } of framesIn(bytes)) {
      at += FRAME_HEADER_BYTES + payload.length;
      this.#frame(type, flags, stream, payload);
    }
    this.#unread = Buffer.from(bytes.subarray(at));
    this.#waiting();
  }

  #frame(type: number, flags: number, stream: number, payload: Buffer): void {
    if (payload.length > MOST_FRAME_BYTES) this.violations.push(`a frame of ${payload.length} bytes`);
    if (this.#block !== undefined && (type !== CONTINUATION || stream !== this.#block.stream))
      this.violations.push(`a frame of type ${type} within a header block`);
    switch (type) {
      case SETTINGS:
        if ((flags & ACK) === 0) this.#reply(frame(SETTINGS, ACK, 0));
        else if (--this.unacknowledged < 0) this.violations.push("an acknowledgement of settings that were never sent");
        break;
      case PING:
        if ((flags & ACK) !== 0) this.#pings.delete(payload.toString("latin1"));
        else this.#reply(frame(PING, ACK, 0, payload));
        break;
      case GOAWAY:
        this.goAway = payload.readUInt32BE(4);
        break;
      case WINDOW_UPDATE:
        if (payload.readUInt32BE() === 0) this.violations.push("a window that opens by nothing");
        if (stream === 0) this.uploadWindow += payload.readUInt32BE();
        break;
      case RST_STREAM:
        this.seen(stream).reset = payload.readUInt32BE();
        break;
      default:
        this.#ofStream(type, flags, stream, payload);
    }
  }

  #ofStream(type: number, flags: number, stream: number, payload: Buffer): void {
    const seen = this.seen(stream);
    if (type !== CONTINUATION && this.isOver(stream))
      this.violations.push(`a frame of type ${type} behind the end of stream ${stream}`);
    if (type === DATA) {
      this.window -= payload.length;
      if (payload.length > 0 && this.window < 0) this.violations.push("data beyond the connection's window");
      if (seen.blocks === 0) this.violations.push(`data before the headers of stream ${stream}`);
      seen.dataBytes += payload.length;
      if ((flags & END_STREAM) !== 0) seen.hasEnded = true;
      return;
    }
    if (type === HEADERS) this.#block = { stream, isEnd: (flags & END_STREAM) !== 0, parts: [] };
    this.#block?.parts.push(Buffer.from(payload));
    if (this.#block === undefined || (flags & END_HEADERS) === 0) return;
    const block = Buffer.concat(this.#block.parts);
    if (this.#block.isEnd) seen.hasEnded = true;
    this.#block = undefined;
    seen.blocks++;
    for (const { name, value } of this.#decoder.decode(block, 0, block.length).headers) seen.headers.set(name, value);
  }
}
