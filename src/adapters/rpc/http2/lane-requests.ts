import type { Logger } from "../../../ports/logger.js";
import type { Route } from "./lane.js";
import { ErrorCode } from "./protocol.js";
import type { LaneStream } from "./streams.js";

/** A request of the lane's is a few hundred bytes; a longer one is Node's, which minds the window of its stream. */
const MAX_BYTES = 16_384;
const MAX_CHUNKS = 16;

/** What becomes of the lane's requests. */
export interface LaneRequestsOwner {
  readonly logger: Logger;
  /** Whether nobody has ended it meanwhile. */
  isOpen(stream: LaneStream): boolean;
  /**
   * Has Node serve the stream, as if it had been Node's from its beginning.
   *
   * @param chunks of its body, none of which is longer than a frame may be; good until it returns
   */
  passOn(stream: LaneStream, chunks: readonly Buffer[]): void;
  reset(id: number, code: number): void;
}

/** The requests that the lane serves, from their headers until they are whole. */
export class LaneRequests {
  readonly #owner: LaneRequestsOwner;
  /** Begun by what is being read. */
  #begun: LaneStream[] = [];

  constructor(owner: LaneRequestsOwner) {
    this.#owner = owner;
  }

  begin(stream: LaneStream, route: Route): void {
    this.#begun.push(stream);
    stream.call = route.begin(stream);
  }

  /** A part of a body, which lies in `bytes` from `from` to `to`. */
  data(stream: LaneStream, bytes: Buffer, from: number, to: number, isEnd: boolean): void {
    if (isEnd && stream.bytes === 0) {
      this.#ask(stream, bytes, from, to);
      return;
    }
    stream.gather(bytes.subarray(from, to));
    if (isEnd) this.#ask(stream, Buffer.concat(stream.chunks), 0, stream.bytes);
    else if (stream.bytes > MAX_BYTES || stream.chunks.length > MAX_CHUNKS) this.#owner.passOn(stream, stream.chunks);
  }

  /** All that was there is read: requests that are not whole by now may not take for ever. */
  limitArrivals(): void {
    if (this.#begun.length === 0) return;
    for (const stream of this.#begun) if (!stream.isWhole && this.#owner.isOpen(stream)) stream.call?.limitArrival();
    this.#begun = [];
  }

  #ask(stream: LaneStream, bytes: Buffer, from: number, to: number): void {
    stream.isWhole = true;
    try {
      if (stream.call?.answer(bytes, from, to) === false) {
        this.#owner.passOn(stream, stream.bytes > 0 ? stream.chunks : [bytes.subarray(from, to)]);
      }
    } catch (error) {
      // A fault in the lane costs the one call.
      this.#owner.logger.error("a call failed in the fast lane", { error });
      this.#owner.reset(stream.id, ErrorCode.InternalError);
    }
  }
}
