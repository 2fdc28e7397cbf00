import { createServer, type Http2Server } from "node:http2";
import { Duplex } from "node:stream";
import {
  END_HEADERS,
  END_STREAM,
  frame,
  framesIn,
  GOAWAY,
  HEADERS,
  OPENING,
  PING,
  ping,
} from "../../integration/http2/http2-frames.js";

const ACK = 1;
const COMPRESSION_ERROR = 9;
const PAYLOAD = "all read";

/** What node:http2 makes of header blocks: the list of each that it gives to its user, and whether it refused to read on. */
export interface NodeReading {
  /** By the number of the block; without those that are no request for reasons beyond HPACK. */
  readonly lists: ReadonlyMap<number, readonly string[]>;
  readonly isCompressionError: boolean;
  /** It ended the connection for another reason. */
  readonly isOtherError: boolean;
}

/** Has a real server of node:http2 read header blocks, each as a request of its own, over a stream in memory. */
export class NodeHpack {
  readonly #server: Http2Server;
  #lists = new Map<number, readonly string[]>();

  constructor() {
    this.#server = createServer({
      maxSessionInvalidFrames: 1_000,
      maxSessionRejectedStreams: 1_000,
      maxHeaderListPairs: 1_000,
    });
    this.#server.on("stream", (stream, _headers, _flags, ...rest: unknown[]) => {
      this.#lists.set(((stream.id ?? 0) - 1) / 2, rest[0] as readonly string[]);
      stream.on("error", () => undefined);
      // What comes behind it on the connection may have ended it already.
      if (!stream.destroyed) stream.respond({ ":status": 204 }, { endStream: true });
    });
    this.#server.on("sessionError", () => undefined);
  }

  async read(blocks: readonly Buffer[]): Promise<NodeReading> {
    this.#lists = new Map();
    const wire = new Wire();
    this.#server.emit("connection", wire);
    const frames = blocks.map((block, index) => frame(HEADERS, END_STREAM | END_HEADERS, index * 2 + 1, block));
    wire.push(Buffer.concat([OPENING, ...frames, ping(PAYLOAD)]));
    const code = await wire.outcome;
    // What it has read is given to its user in turns of their own.
    await new Promise((resolve) => setImmediate(resolve));
    const lists = this.#lists;
    wire.push(null);
    return {
      lists,
      isCompressionError: code === COMPRESSION_ERROR,
      isOtherError: code !== undefined && code !== COMPRESSION_ERROR,
    };
  }
}

/** A connection in memory, on the peer's side of which is nobody but the one who waits for its outcome. */
class Wire extends Duplex {
  /** Settles when the ping was answered, or with the code by which the connection was ended. */
  readonly outcome: Promise<number | undefined>;
  #settle: (code: number | undefined) => void = () => undefined;
  #received = Buffer.alloc(0);

  constructor() {
    super({ allowHalfOpen: false });
    this.outcome = new Promise((resolve) => (this.#settle = resolve));
    this.on("error", () => undefined);
    this.once("close", () => this.#settle(0));
  }

  override _read(): void {
    // All there is was pushed.
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#received = Buffer.concat([this.#received, chunk]);
    const frames = framesIn(this.#received);
    const end = frames.find(({ type }) => type === GOAWAY);
    if (end !== undefined) this.#settle(end.payload.readUInt32BE(4));
    if (frames.some(({ type, flags }) => type === PING && (flags & ACK) !== 0)) this.#settle(undefined);
    done();
  }
}
