import type { Socket } from "node:net";
import { HeaderDecoder } from "../../../src/adapters/rpc/http2/hpack/header-decoder.js";
import { RawClient, turns } from "../listener/listening.js";
import {
  ACK,
  CONTINUATION,
  DATA,
  data,
  END_HEADERS,
  END_STREAM,
  type Fields,
  type Frame,
  frame,
  GOAWAY,
  grpcFields,
  HEADERS,
  headers,
  INITIAL_WINDOW_SIZE,
  PING,
  ping,
  PREFACE,
  RST_STREAM,
  SETTINGS,
  settings,
  WINDOW_UPDATE,
  windowUpdate,
} from "./http2-frames.js";

const DEFAULT_WINDOW = 65_535;

/** What came on one stream. */
export interface Received {
  /** One for each header block, in their order. */
  readonly blocks: Readonly<Record<string, string>>[];
  readonly body: Buffer[];
  bytes: number;
  /** How many frames said that they were the last. */
  ends: number;
  /** The code by which the server has ended it. */
  reset: number | undefined;
  /** What the server may still send, bytes. */
  window: number;
  /** What may still be sent to the server, bytes. */
  uploadWindow: number;
}

/**
 * A client that minds the protocol as far as it is told to, and notes what the server does not mind: data beyond a
 * window, anything behind an end, a header block that something comes in between.
 */
export class Http2Peer {
  readonly client: RawClient;
  readonly serverSocket: Socket;
  readonly violations: string[] = [];
  /** What the server may still send on all streams, bytes. */
  window = DEFAULT_WINDOW;
  /** What may still be sent to the server on all streams, bytes. */
  uploadWindow = DEFAULT_WINDOW;
  /** The code by which the server has ended the connection, if it has. */
  goodbye: number | undefined;
  /** How often it has said so. */
  goodbyes = 0;
  /** The last stream that it has said it serves. */
  lastServed: number | undefined;
  readonly #streams = new Map<number, Received>();
  readonly #decoder = new HeaderDecoder(1_000_000);
  readonly #pings = new Set<string>();
  /** The initial window that the server has acknowledged last, and those that it has yet to hear of. */
  readonly #announcedWindows = [DEFAULT_WINDOW];
  #initialWindow = DEFAULT_WINDOW;
  #open: { readonly stream: number; readonly parts: Buffer[]; readonly isEnd: boolean } | undefined;
  #kept = Buffer.alloc(0);
  /** What it has to say that must not come within what is being written. */
  #replies: Buffer[] | undefined;
  #nextStream = 1;
  #nextPing = 0;
  #arrived: () => void = () => undefined;

  private constructor(client: RawClient, serverSocket: Socket) {
    this.client = client;
    this.serverSocket = serverSocket;
    client.socket.on("data", (chunk: Buffer) => this.#read(chunk));
    client.socket.on("close", () => this.#arrived());
  }

  /** @param initialWindow what the server may send on each stream, bytes */
  static async open(port: number, { initialWindow = DEFAULT_WINDOW } = {}): Promise<Http2Peer> {
    const { client, serverSocket } = await RawClient.connect(port);
    const peer = new Http2Peer(client, serverSocket);
    peer.write(PREFACE);
    peer.setInitialWindow(initialWindow);
    return peer;
  }

  write(...frames: readonly Uint8Array[]): void {
    this.client.socket.write(Buffer.concat(frames));
  }

  /** Writes what is cut there so that each piece arrives by itself. Ends early where the connection does. */
  async writeInPieces(bytes: Buffer, cuts: readonly number[]): Promise<void> {
    this.#replies = [];
    let read = this.serverSocket.bytesRead;
    for (const piece of inPieces(bytes, cuts)) {
      this.client.socket.write(piece);
      read += piece.length;
      while (this.serverSocket.bytesRead < read && !this.serverSocket.destroyed) await turns(1);
    }
    const replies = this.#replies;
    this.#replies = undefined;
    this.write(...replies);
  }

  /** The number for the next stream. */
  next(): number {
    const stream = this.#nextStream;
    this.#nextStream += 2;
    return stream;
  }

  /** Sends a plain gRPC call. @returns its stream */
  call(path: string, body: Uint8Array = Buffer.alloc(5)): number {
    const stream = this.next();
    this.write(headers(stream, grpcFields(path)));
    this.sendData(stream, body, END_STREAM);
    return stream;
  }

  /** Sends the headers of a request whose body is still to come. @returns its stream */
  begin(fields: Fields): number {
    const stream = this.next();
    this.write(headers(stream, fields));
    return stream;
  }

  sendData(stream: number, payload: Uint8Array, flags = 0): void {
    this.uploadWindow -= payload.length;
    this.on(stream).uploadWindow -= payload.length;
    this.write(data(stream, payload, flags));
  }

  /** @param stream 0 for the connection */
  openWindow(stream: number, bytes: number): void {
    if (stream === 0) this.window += bytes;
    else this.on(stream).window += bytes;
    this.write(windowUpdate(stream, bytes));
  }

  /** Until it acknowledges them, the server may mind this one or any before. */
  setInitialWindow(bytes: number): void {
    this.#announcedWindows.push(bytes);
    this.#applyWindows();
    this.write(settings([INITIAL_WINDOW_SIZE, bytes]));
  }

  on(stream: number): Received {
    const known = this.#streams.get(stream);
    if (known !== undefined) return known;
    const window = this.#initialWindow;
    const received: Received = {
      blocks: [],
      body: [],
      bytes: 0,
      ends: 0,
      reset: undefined,
      window,
      uploadWindow: DEFAULT_WINDOW,
    };
    this.#streams.set(stream, received);
    return received;
  }

  bodyOf(stream: number): Buffer {
    return Buffer.concat(this.on(stream).body);
  }

  get isClosed(): boolean {
    return this.client.socket.destroyed;
  }

  /** Settles when it is so; fails when the connection ends before. */
  async until(isSo: () => boolean): Promise<void> {
    while (!isSo()) {
      if (this.isClosed) throw new Error(`closed with code ${String(this.goodbye)}`);
      await new Promise<void>((resolve) => (this.#arrived = resolve));
    }
  }

  untilOver(...streams: readonly number[]): Promise<void> {
    return this.until(() => streams.every((stream) => this.isOver(stream)));
  }

  isOver(stream: number): boolean {
    const { ends, reset } = this.on(stream);
    return ends > 0 || reset !== undefined;
  }

  /** Settles when the server has read all that was sent before, and has sent what it had to say at once. */
  async caughtUp(): Promise<void> {
    const payload = String(this.#nextPing++).padEnd(8);
    this.#pings.add(payload);
    this.write(ping(payload));
    await this.until(() => !this.#pings.has(payload));
  }

  destroy(): void {
    this.client.socket.destroy();
  }

  #read(chunk: Buffer): void {
    const bytes = this.#kept.length === 0 ? chunk : Buffer.concat([this.#kept, chunk]);
    let at = 0;
    while (at + 9 <= bytes.length) {
      const end = at + 9 + bytes.readUIntBE(at, 3);
      if (end > bytes.length) break;
      const payload = bytes.subarray(at + 9, end);
      this.#frame({
        type: bytes.readUInt8(at + 3),
        flags: bytes.readUInt8(at + 4),
        stream: bytes.readUInt32BE(at + 5),
        payload,
      });
      at = end;
    }
    this.#kept = Buffer.from(bytes.subarray(at));
    this.#arrived();
  }

  #frame({ type, flags, stream, payload }: Frame): void {
    if (this.#open !== undefined && (type !== CONTINUATION || stream !== this.#open.stream)) {
      this.violations.push(`a frame of type ${type} within the header block of ${this.#open.stream}`);
    }
    switch (type) {
      case SETTINGS:
        if (flags === ACK) this.#acknowledged();
        else this.#reply(frame(SETTINGS, ACK, 0));
        return;
      case PING:
        if (flags === ACK) this.#pings.delete(payload.toString("latin1"));
        else this.#reply(frame(PING, ACK, 0, payload));
        return;
      case GOAWAY:
        this.goodbye = payload.readUInt32BE(4);
        this.goodbyes++;
        this.lastServed = payload.readUInt32BE();
        return;
      case WINDOW_UPDATE:
        if (stream === 0) this.uploadWindow += payload.readUInt32BE();
        else this.on(stream).uploadWindow += payload.readUInt32BE();
        return;
      case RST_STREAM:
        if (this.on(stream).reset !== undefined) this.violations.push(`stream ${stream} was reset twice`);
        this.on(stream).reset = payload.readUInt32BE();
        return;
      default:
        this.#ofStream(type, flags, stream, payload);
    }
  }

  #ofStream(type: number, flags: number, stream: number, payload: Buffer): void {
    const received = this.on(stream);
    if (type !== CONTINUATION && this.isOver(stream))
      this.violations.push(`a frame of type ${type} behind the end of ${stream}`);
    if (type === DATA) {
      this.window -= payload.length;
      received.window -= payload.length;
      if (payload.length > 0 && this.window < 0)
        this.violations.push(`data beyond the connection's window, on ${stream}`);
      if (payload.length > 0 && received.window < 0) this.violations.push(`data beyond the window of ${stream}`);
      received.body.push(Buffer.from(payload));
      received.bytes += payload.length;
      if ((flags & END_STREAM) !== 0) received.ends++;
      return;
    }
    if (type === HEADERS) this.#open = { stream, parts: [], isEnd: (flags & END_STREAM) !== 0 };
    this.#open?.parts.push(Buffer.from(payload));
    if ((flags & END_HEADERS) === 0) return;
    const block = Buffer.concat(this.#open?.parts ?? []);
    if (this.#open?.isEnd === true) received.ends++;
    this.#open = undefined;
    const list = this.#decoder.decode(block, 0, block.length);
    received.blocks.push(Object.fromEntries(list.headers.map(({ name, value }) => [name, value])));
  }

  #reply(reply: Buffer): void {
    if (this.#replies === undefined) this.write(reply);
    else this.#replies.push(reply);
  }

  #acknowledged(): void {
    this.#announcedWindows.shift();
    this.#applyWindows();
  }

  #applyWindows(): void {
    const largest = Math.max(...this.#announcedWindows);
    for (const received of this.#streams.values()) received.window += largest - this.#initialWindow;
    this.#initialWindow = largest;
  }
}

/** @param cuts in any order, also beyond the end */
export function inPieces(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const ends = [...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length];
  return ends.map((end, index) => bytes.subarray(index === 0 ? 0 : ends[index - 1], end));
}
