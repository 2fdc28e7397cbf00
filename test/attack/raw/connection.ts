import { connect, type Socket } from "node:net";
import {
  ACK,
  DEFAULT_WINDOW,
  END_STREAM,
  frame,
  FRAME_HEADER_BYTES,
  FrameType,
  INITIAL_WINDOW_SIZE,
  MAX_WINDOW,
  PREFACE,
  settings,
  windowUpdate,
} from "./frames.js";

/** How long a server may take to accept a connection before the attack goes on without it. */
const CONNECT_MS = 3_000;

/** Only the windows of streams bound what the server may send: what comes is read in any case. */
export const OPENING = Buffer.concat([settings(), windowUpdate(0, MAX_WINDOW - DEFAULT_WINDOW)]);

export interface ConnectionOptions {
  /** What follows the preface: by default settings, and a window of the connection that never shuts. */
  readonly opening?: Buffer;
  /** False: what the server sends stays in the kernel's buffers, until they are full. */
  readonly isReading?: boolean;
  /** False: only the connection is made. */
  readonly hasPreface?: boolean;
}

/** One HTTP/2 connection on which anything may be sent; of what comes back only the frame headers are looked at. */
export class RawConnection {
  readonly socket: Socket;
  isOpen = true;
  /** The code of the server's GOAWAY, once there is one. */
  goAway: number | undefined;
  /** The next stream that this client may open. */
  nextStream = 1;
  /** The last stream that the server says it serves. */
  lastServed = MAX_WINDOW;
  /** Bytes of DATA that the server takes on all streams together. */
  window = DEFAULT_WINDOW;
  /** Streams that the server has reset. */
  resets = 0;
  /** Streams with an answer that the server has ended. */
  answers = 0;
  #initialWindow = DEFAULT_WINDOW;
  /** What WINDOW_UPDATE has added to a stream's window, less what was sent. */
  readonly #credits = new Map<number, number>();
  readonly #withData = new Set<number>();
  readonly #awaited = new Map<number, (isAnswered: boolean) => void>();
  #kept: Buffer = Buffer.alloc(0);

  constructor(port: number, { opening = OPENING, isReading = true, hasPreface = true }: ConnectionOptions = {}) {
    this.socket = connect({ port, host: "127.0.0.1", noDelay: true });
    this.socket.on("error", () => undefined);
    this.socket.on("close", () => this.#close());
    if (isReading) this.socket.on("data", (chunk: Buffer) => this.#read(chunk));
    else this.socket.pause();
    if (hasPreface) this.socket.write(Buffer.concat([PREFACE, opening]));
  }

  /** Settles once it is connected, or is not going to be. */
  async connected(): Promise<boolean> {
    if (!this.socket.connecting) return this.isOpen;
    await new Promise<void>((done) => {
      const timer = setTimeout(done, CONNECT_MS);
      const finish = () => {
        clearTimeout(timer);
        done();
      };
      this.socket.once("connect", finish).once("close", finish);
    });
    return this.isOpen && !this.socket.connecting;
  }

  takeStream(): number {
    const stream = this.nextStream;
    this.nextStream += 2;
    return stream;
  }

  /** Writes, and settles when more may be written: at once where the peer takes it. @param patienceMs at most */
  async write(bytes: Uint8Array, patienceMs = 200): Promise<void> {
    if (!this.isOpen) return;
    if (this.socket.write(bytes)) {
      await new Promise((done) => setImmediate(done));
      return;
    }
    await this.drained(patienceMs);
  }

  /** Settles when the peer has taken what was written, is gone, or the time is over. */
  async drained(patienceMs: number): Promise<void> {
    if (!this.isOpen || !this.socket.writableNeedDrain) return;
    await new Promise<void>((done) => {
      const finish = () => {
        clearTimeout(timer);
        this.socket.off("drain", finish);
        this.socket.off("close", finish);
        done();
      };
      const timer = setTimeout(finish, patienceMs);
      this.socket.once("drain", finish).once("close", finish);
    });
  }

  /** Calls that the server has neither answered nor reset. */
  get openCalls(): number {
    return (this.nextStream - 1) / 2 - this.answers - this.resets;
  }

  /** Bytes of DATA that the server takes on that stream now. */
  room(stream: number): number {
    return Math.max(0, Math.min(this.window, this.#initialWindow + (this.#credits.get(stream) ?? 0)));
  }

  /** A DATA frame that counts against the windows. */
  data(stream: number, payload: Uint8Array, flags = 0): Buffer {
    this.window -= payload.length;
    this.#credits.set(stream, (this.#credits.get(stream) ?? 0) - payload.length);
    return frame(FrameType.Data, flags, stream, payload);
  }

  /** Whether that stream is answered with a message within the time. To be asked before it can be. */
  answered(stream: number, patienceMs: number): Promise<boolean> {
    if (!this.isOpen) return Promise.resolve(false);
    return new Promise((done) => {
      const timer = setTimeout(() => this.#settle(stream, false), patienceMs);
      this.#awaited.set(stream, (isAnswered) => {
        clearTimeout(timer);
        done(isAnswered);
      });
    });
  }

  /** Without a FIN: the port can be used again at once. */
  abort(): void {
    this.socket.resetAndDestroy();
  }

  #close(): void {
    this.isOpen = false;
    for (const stream of [...this.#awaited.keys()]) this.#settle(stream, false);
  }

  #settle(stream: number, isAnswered: boolean): void {
    const settle = this.#awaited.get(stream);
    this.#awaited.delete(stream);
    settle?.(isAnswered);
  }

  #read(chunk: Buffer): void {
    const bytes = this.#kept.length === 0 ? chunk : Buffer.concat([this.#kept, chunk]);
    let at = 0;
    while (at + FRAME_HEADER_BYTES <= bytes.length) {
      const end = at + FRAME_HEADER_BYTES + bytes.readUIntBE(at, 3);
      if (end > bytes.length) break;
      this.#frame(
        bytes[at + 3]!,
        bytes[at + 4]!,
        bytes.readUInt32BE(at + 5) & 0x7fff_ffff,
        bytes,
        at + FRAME_HEADER_BYTES,
        end,
      );
      at = end;
    }
    this.#kept = bytes.subarray(at);
  }

  #frame(type: number, flags: number, stream: number, bytes: Buffer, at: number, end: number): void {
    if (type === FrameType.Settings && (flags & ACK) === 0) this.#settings(bytes, at, end);
    if (type === FrameType.Ping && (flags & ACK) === 0)
      this.socket.write(frame(FrameType.Ping, ACK, 0, bytes.subarray(at, end)));
    if (type === FrameType.GoAway) {
      this.lastServed = bytes.readUInt32BE(at);
      this.goAway = bytes.readUInt32BE(at + 4);
    }
    if (type === FrameType.WindowUpdate) {
      if (stream === 0) this.window += bytes.readUInt32BE(at);
      else this.#credits.set(stream, (this.#credits.get(stream) ?? 0) + bytes.readUInt32BE(at));
    }
    if (type === FrameType.Data && this.#awaited.has(stream)) this.#withData.add(stream);
    const isEnd = (type === FrameType.Headers || type === FrameType.Data) && (flags & END_STREAM) !== 0;
    if (type === FrameType.RstStream) {
      this.resets++;
      this.#credits.delete(stream);
      this.#settle(stream, false);
    }
    if (isEnd) {
      this.answers++;
      this.#credits.delete(stream);
      this.#settle(stream, this.#withData.delete(stream));
    }
  }

  #settings(bytes: Buffer, begin: number, end: number): void {
    for (let at = begin; at + 6 <= end; at += 6) {
      if (bytes.readUInt16BE(at) === INITIAL_WINDOW_SIZE) this.#initialWindow = bytes.readUInt32BE(at + 2);
    }
    this.socket.write(frame(FrameType.Settings, ACK, 0));
  }
}
