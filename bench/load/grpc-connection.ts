import { connect, type Socket } from "node:net";
import { HeaderDecoder } from "../../src/adapters/rpc/http2/hpack/header-decoder.js";
import type { Header } from "../../src/adapters/rpc/http2/hpack/header-table.js";
import { fillIn } from "./calls.js";
import {
  DATA,
  END_HEADERS,
  END_STREAM,
  frame,
  FRAME_HEADER_BYTES,
  GOAWAY,
  HEADERS,
  maxConcurrentStreamsIn,
  PING,
  PREFACE,
  RST_STREAM,
  SETTINGS,
  settings,
  WINDOW_UPDATE,
  windowUpdate,
} from "./frames.js";
import type { LoadConnection, OnSettled } from "./load-connection.js";
import type { CallForm } from "./load-job.js";
import { compressedFrame, FORMS, RequestFramesOfConnection } from "./request-frames.js";
import type { RequestSource } from "./request-source.js";
import type { Tally } from "./tally.js";

const READ_BYTES = 256 * 1024;
const WRITE_BYTES = 64 * 1024;
/** Streams are distinguished by the low bits of their number; more than these are never in flight. */
const SLOTS = 2_048;
const INITIAL_SEND_WINDOW = 65_535;
/** Below this it is waited for the server to read on. */
const LEAST_SEND_WINDOW = 8_192;
const RECEIVE_WINDOW = 2 ** 30;
/** What has come of an answer. */
const NOTHING = 0;
const MESSAGE = 1;
const FAILURE = 2;
/** Far more than any answer's. */
const MAX_HEADER_BYTES = 65_536;

export interface Http2Calls {
  readonly form?: CallForm | undefined;
  readonly authorization?: string | undefined;
}

/**
 * Unary calls over one HTTP/2 connection, in gRPC unless told otherwise, with the frames written by hand: a client by node:http2 would cost
 * more than the server it measures.
 */
export class GrpcConnection implements LoadConnection {
  readonly #port: number;
  readonly #source: RequestSource;
  readonly #tally: Tally;
  readonly #onSettled: OnSettled;
  readonly #frames: RequestFramesOfConnection;
  readonly #decoder = new HeaderDecoder(MAX_HEADER_BYTES);
  readonly #dueAt = new Float64Array(SLOTS);
  readonly #customers = new Int32Array(SLOTS);
  /** Call and feature of a stream; -1 where none is in flight. */
  readonly #asked = new Int32Array(SLOTS).fill(-1);
  readonly #gotMessage = new Uint8Array(SLOTS);
  readonly #prefixBytes: number;
  readonly #isJson: boolean;
  readonly #hasNoTrailers: boolean;
  #socket: Socket | undefined;
  #input = Buffer.allocUnsafe(READ_BYTES * 2);
  #inputEnd = 0;
  #output = Buffer.allocUnsafe(WRITE_BYTES);
  #outputEnd = 0;
  #onSettings: (() => void) | undefined;
  #nextStream = 1;
  /** More than the server takes at a time would cost the whole connection. */
  #maxStreams = SLOTS;
  #openStreams = 0;
  #sendWindow = INITIAL_SEND_WINDOW;
  #receiveWindow = RECEIVE_WINDOW;
  readonly #waiting: number[] = [];
  #isClosed = false;
  inFlight = 0;

  constructor(
    port: number,
    source: RequestSource,
    tally: Tally,
    onSettled: OnSettled,
    { form = "grpc", authorization }: Http2Calls,
  ) {
    this.#port = port;
    this.#source = source;
    this.#tally = tally;
    this.#onSettled = onSettled;
    this.#prefixBytes = FORMS[form].prefixBytes;
    this.#isJson = FORMS[form].isJson;
    this.#hasNoTrailers = FORMS[form].hasNoTrailers;
    this.#frames = new RequestFramesOfConnection(source.calls, `127.0.0.1:${port}`, form, authorization);
  }

  async open(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const onread = {
        buffer: Buffer.allocUnsafe(READ_BYTES),
        callback: (bytes: number, buffer: Uint8Array) => this.#read(bytes, buffer),
      };
      const socket = connect({ port: this.#port, host: "127.0.0.1", noDelay: true, onread });
      socket.once("error", reject);
      socket.on("close", () => {
        this.#lost();
        reject(new Error("the server closed a connection before it had told its settings"));
      });
      socket.write(
        Buffer.concat([PREFACE, settings(RECEIVE_WINDOW), windowUpdate(RECEIVE_WINDOW - INITIAL_SEND_WINDOW)]),
      );
      this.#socket = socket;
      this.#onSettings = resolve;
    });
  }

  send(dueAt: number): void {
    this.inFlight++;
    if (this.#canAsk()) this.#ask(dueAt);
    else this.#waiting.push(dueAt);
  }

  flush(): void {
    if (this.#outputEnd === 0) return;
    const socket = this.#socket!;
    socket.write(this.#output.subarray(0, this.#outputEnd));
    // What the system has not taken yet must not be written over.
    if (socket.writableLength > 0) this.#output = Buffer.allocUnsafe(WRITE_BYTES);
    this.#outputEnd = 0;
  }

  close(): void {
    this.#isClosed = true;
    this.#socket?.destroy();
  }

  #ask(dueAt: number): void {
    const source = this.#source;
    source.advance();
    const frames = this.#frames.of(source.call);
    const { bytes, messageAt, template } = frames;
    const made = template === undefined ? compressedFrame(frames.call, source.customer, source.feature) : undefined;
    const length = bytes.length + (made?.bytes.length ?? 0);
    if (this.#outputEnd + length > WRITE_BYTES) this.flush();
    const output = this.#output;
    const at = this.#outputEnd;
    bytes.copy(output, at);
    const stream = this.#nextStream;
    this.#nextStream += 2;
    output.writeInt32BE(stream, at + 5);
    if (made === undefined) {
      output.writeInt32BE(stream, at + messageAt - this.#prefixBytes - 4);
      fillIn(template!, output, at + messageAt, source.customer, source.feature);
    } else {
      made.bytes.copy(output, at + bytes.length);
      output.writeInt32BE(stream, at + bytes.length + 5);
    }
    this.#outputEnd = at + length;
    this.#sendWindow -= length - messageAt + this.#prefixBytes;
    if (!frames.wasSent) this.#frames.sent(frames);
    this.#openStreams++;
    const slot = (stream >> 1) & (SLOTS - 1);
    this.#dueAt[slot] = dueAt;
    this.#customers[slot] = made?.customer ?? source.customer;
    this.#asked[slot] = source.call * 256 + source.feature;
    this.#gotMessage[slot] = NOTHING;
  }

  #read(bytes: number, buffer: Uint8Array): boolean {
    if (this.#inputEnd + bytes > this.#input.length) throw new Error("a frame is larger than any that was allowed");
    this.#input.set(buffer.subarray(0, bytes), this.#inputEnd);
    const end = this.#inputEnd + bytes;
    const input = this.#input;
    let at = 0;
    while (end - at >= FRAME_HEADER_BYTES) {
      const length = (input[at]! << 16) | (input[at + 1]! << 8) | input[at + 2]!;
      const next = at + FRAME_HEADER_BYTES + length;
      if (next > end) break;
      this.#frame(input[at + 3]!, input[at + 4]!, input.readInt32BE(at + 5), at + FRAME_HEADER_BYTES, next);
      at = next;
    }
    input.copyWithin(0, at, end);
    this.#inputEnd = end - at;
    this.flush();
    return true;
  }

  #frame(type: number, flags: number, stream: number, from: number, to: number): void {
    switch (type) {
      case DATA:
        this.#message(stream, from, to);
        if ((flags & END_STREAM) !== 0) this.#endByData(stream);
        break;
      case HEADERS:
        this.#headers(stream, flags, from, to);
        break;
      case SETTINGS:
        if ((flags & 1) === 0) this.#takeSettings(from, to);
        break;
      case PING:
        if ((flags & 1) === 0) this.#socket?.write(frame(PING, 1, 0, Buffer.from(this.#input.subarray(from, to))));
        break;
      case WINDOW_UPDATE:
        if (stream === 0) this.#sendWindow += this.#input.readInt32BE(from);
        this.#askWaiting();
        break;
      case RST_STREAM:
        this.#settle(stream, `a stream was reset (${this.#input.readInt32BE(from)})`);
        break;
      case GOAWAY:
        this.#tally.failed("the server ended the connection");
        break;
    }
  }

  #takeSettings(from: number, to: number): void {
    this.#maxStreams = Math.min(SLOTS, maxConcurrentStreamsIn(this.#input.subarray(from, to)) ?? this.#maxStreams);
    this.#socket?.write(frame(SETTINGS, 1, 0, Buffer.alloc(0)));
    this.#onSettings?.();
  }

  #message(stream: number, from: number, to: number): void {
    const slot = (stream >> 1) & (SLOTS - 1);
    this.#receiveWindow -= to - from;
    if (this.#receiveWindow < RECEIVE_WINDOW / 2) {
      this.#socket?.write(windowUpdate(RECEIVE_WINDOW - this.#receiveWindow));
      this.#receiveWindow = RECEIVE_WINDOW;
    }
    const begin = from + this.#prefixBytes;
    if (this.#gotMessage[slot] !== NOTHING || to < begin) return;
    const isPrefixed = this.#prefixBytes > 0;
    // In gRPC-web a failure is trailers alone, whose prefix begins otherwise.
    if (isPrefixed && this.#input[from] !== 0) return;
    this.#gotMessage[slot] = MESSAGE;
    const end = isPrefixed ? begin + this.#input.readUInt32BE(from + 1) : to;
    if (end > to || this.#isJson || !this.#tally.wantsSample()) return;
    const asked = this.#asked[slot]!;
    const call = this.#source.calls[asked >> 8]!;
    const fault = call.faultOf(this.#input.subarray(begin, end), this.#customers[slot]!, asked & 255);
    if (fault === undefined) this.#tally.verified++;
    else this.#tally.failed(`${fault} from ${call.path}`);
  }

  #headers(stream: number, flags: number, from: number, to: number): void {
    if ((flags & END_HEADERS) === 0) throw new Error("a header block in more than one frame");
    const { headers } = this.#decoder.decode(this.#input, from, to);
    if ((flags & END_STREAM) === 0) {
      const status = valueOf(headers, ":status");
      if (status !== "200") this.#gotMessage[(stream >> 1) & (SLOTS - 1)] = FAILURE;
      return;
    }
    const status = valueOf(headers, "grpc-status");
    if (status !== "0")
      this.#settle(
        stream,
        status === undefined ? `HTTP ${valueOf(headers, ":status") ?? "without a status"}` : `grpc-status ${status}`,
      );
    else if (this.#gotMessage[(stream >> 1) & (SLOTS - 1)] === NOTHING)
      this.#settle(stream, "an answer without a message");
    else this.#settle(stream, undefined);
  }

  #endByData(stream: number): void {
    const got = this.#gotMessage[(stream >> 1) & (SLOTS - 1)];
    if (!this.#hasNoTrailers) this.#settle(stream, "an answer without trailers");
    else
      this.#settle(
        stream,
        got === MESSAGE ? undefined : got === FAILURE ? "a failed call" : "an answer without a message",
      );
  }

  #settle(stream: number, failure: string | undefined): void {
    const slot = (stream >> 1) & (SLOTS - 1);
    if (this.#asked[slot] === -1) return;
    this.#asked[slot] = -1;
    this.inFlight--;
    this.#openStreams--;
    if (failure === undefined) this.#tally.answered(performance.now() - this.#dueAt[slot]!);
    else this.#tally.failed(failure);
    this.#onSettled(this);
    if (this.#waiting.length > 0) this.#askWaiting();
  }

  #askWaiting(): void {
    while (this.#waiting.length > 0 && this.#canAsk()) this.#ask(this.#waiting.shift()!);
  }

  #canAsk(): boolean {
    return (
      this.#openStreams < this.#maxStreams &&
      this.#sendWindow >= LEAST_SEND_WINDOW &&
      this.#asked[(this.#nextStream >> 1) & (SLOTS - 1)] === -1
    );
  }

  #lost(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#tally.failed("the connection was lost");
  }
}

function valueOf(headers: readonly Header[], name: string): string | undefined {
  for (const header of headers) if (header.name === name) return header.value;
  return undefined;
}
