import type { Header } from "../../src/adapters/rpc/http2/hpack/header.js";
import type { Call } from "./calls.js";
import { DATA, END_HEADERS, END_STREAM, FRAME_HEADER_BYTES, HEADERS, frame } from "./frames.js";
import { HeaderEncoder } from "./header-encoder.js";

export const GRPC_PREFIX_BYTES = 5;

/** As a client with a deadline sends it. */
const TIMEOUT = "1S";

/** A whole request but for the number of its stream and the ids in it. */
export interface RequestFrames {
  readonly call: Call;
  bytes: Buffer;
  /** Where the message begins; the frame that holds it begins before. */
  messageAt: number;
  wasSent: boolean;
}

/** The frames of all calls of one connection. A header is spelled out once and an index from then on. */
export class RequestFramesOfConnection {
  readonly #encoder = new HeaderEncoder();
  readonly #authority: string;
  readonly #all: readonly RequestFrames[];

  constructor(calls: readonly Call[], authority: string) {
    this.#authority = authority;
    this.#all = calls.map((call) => ({ call, bytes: Buffer.alloc(0), messageAt: 0, wasSent: false }));
  }

  /** What to send for a call, now. After it was sent, `sent` has to be told before anything else is asked for. */
  of(call: number): RequestFrames {
    const frames = this.#all[call]!;
    if (!frames.wasSent) this.#build(frames);
    return frames;
  }

  /** A call was sent for the first time: what it has spelled out moves the indices of all others. */
  sent(frames: RequestFrames): void {
    frames.wasSent = true;
    for (const other of this.#all) if (other.wasSent) this.#build(other);
  }

  #build(frames: RequestFrames): void {
    const { bytes } = frames.call.message;
    const message = Buffer.alloc(GRPC_PREFIX_BYTES + bytes.length);
    message.writeUInt32BE(bytes.length, 1);
    message.set(bytes, GRPC_PREFIX_BYTES);
    const headers = frame(HEADERS, END_HEADERS, 0, this.#encoder.encode(this.#headersOf(frames.call)));
    frames.bytes = Buffer.concat([headers, frame(DATA, END_STREAM, 0, message)]);
    frames.messageAt = headers.length + FRAME_HEADER_BYTES + GRPC_PREFIX_BYTES;
  }

  #headersOf({ path }: Call): readonly Header[] {
    return [
      { name: ":method", value: "POST" },
      { name: ":scheme", value: "http" },
      { name: ":path", value: path },
      { name: ":authority", value: this.#authority },
      { name: "te", value: "trailers" },
      { name: "content-type", value: "application/grpc" },
      { name: "user-agent", value: "bench" },
      { name: "grpc-timeout", value: TIMEOUT },
    ];
  }
}
