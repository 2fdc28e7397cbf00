import type { FrameOutput, ResponseSender } from "../frames/frame-output.js";
import { ErrorCode, FrameType, uint32 } from "../frames/protocol.js";
import type { Http2Stream, StreamTable } from "./http2-stream.js";

/** How long a stream that is answered before its request is complete stays open for the rest, milliseconds. */
const EARLY_ANSWER_LINGER_MS = 100;
/** What a stream that has to be reset costs of the control budget. */
const RESET_UNITS = 10;

/** What the ends of streams mean for their connection. */
export interface StreamEndsOwner {
  /** Something was written, maybe not in the course of reading. */
  flushSoon(): void;
  /** Work that is no part of a call. @param what for the log, in the plural */
  spend(units: number, what: string): void;
  /** A call was answered. */
  earn(): void;
}

/** How streams end: answered and complete, refused, reset by either side, gone with their connection. */
export class StreamEnds {
  /** Calls that nobody waits for any more and whose work still runs. */
  abandoned = 0;
  readonly #owner: StreamEndsOwner;
  readonly #output: FrameOutput;
  readonly #streams: StreamTable;
  readonly #sender: ResponseSender;
  readonly #closed = new ClosedStreams();
  /** Answered before their requests were complete. */
  #early: Http2Stream[] = [];
  #earlyTimer: NodeJS.Timeout | undefined;

  constructor(owner: StreamEndsOwner, output: FrameOutput, streams: StreamTable, sender: ResponseSender) {
    this.#owner = owner;
    this.#output = output;
    this.#streams = streams;
    this.#sender = sender;
  }

  /** See ClosedStreams. */
  consumeIfClosed(id: number, isEnd: boolean): boolean {
    return this.#closed.consumeIfClosed(id, isEnd);
  }

  /** The response is sent to its end. */
  answered(stream: Http2Stream): void {
    this.#owner.earn();
    if (stream.isComplete) {
      this.#end(stream);
      return;
    }
    // Not reset at once: what is wrong with the rest of its request would never show, nor would its end come in order.
    this.#early.push(stream);
    this.#earlyTimer ??= setTimeout(this.#endEarlyAnswered, EARLY_ANSWER_LINGER_MS).unref();
  }

  /** The request has come to its end. */
  completed(stream: Http2Stream): void {
    if (!this.#streams.has(stream)) return;
    const { exchange } = stream;
    stream.isComplete = true;
    if (exchange?.completed() === false) this.reset(stream.id, ErrorCode.ProtocolError);
    else if (exchange?.isAnswered === true && stream.unsent === undefined) this.#end(stream);
  }

  /** The client wants no response any more. It is free: what is bounded is work that runs on, and frames without a call. */
  cancelled(id: number): void {
    const stream = this.#streams.get(id);
    if (stream === undefined) {
      this.#closed.consumeIfClosed(id, true);
      this.#owner.spend(1, "resets of closed streams");
      return;
    }
    this.#abandon(stream);
    this.#end(stream);
  }

  /** Does not let a stream begin. @param isEnd whether the client sends no more of it */
  refuse(id: number, code: number, isEnd: boolean): void {
    if (!isEnd) this.#closed.add(id);
    this.#output.frame(FrameType.RstStream, 0, id, uint32(code));
    this.#owner.spend(1, "streams beyond the limits");
  }

  /** Says to the client that nothing comes, or no more. */
  reset(id: number, code: number): void {
    const stream = this.#streams.get(id);
    if (stream !== undefined) this.#abandon(stream);
    this.#output.frame(FrameType.RstStream, 0, id, uint32(code));
    if (stream !== undefined) this.#endEarly(stream);
    this.#owner.spend(RESET_UNITS, "streams in breach of the protocol");
  }

  /** The work for a stream that was abandoned has come to its end. */
  released(stream: Http2Stream): void {
    if (stream.isAbandoned) this.abandoned--;
    stream.isAbandoned = false;
  }

  /** The connection is gone. */
  abandonAll(): void {
    const streams = this.#streams.all();
    this.#streams.clear();
    clearTimeout(this.#earlyTimer);
    for (const stream of streams) {
      this.#abandon(stream);
      stream.exchange?.closed();
    }
  }

  readonly #endEarlyAnswered = (): void => {
    this.#earlyTimer = undefined;
    const early = this.#early;
    this.#early = [];
    for (const stream of early) {
      if (!this.#streams.has(stream)) continue;
      this.#output.frame(FrameType.RstStream, 0, stream.id, uint32(ErrorCode.NoError));
      this.#endEarly(stream);
    }
    this.#owner.flushSoon();
  };

  #abandon(stream: Http2Stream): void {
    this.#sender.drop(stream);
    if (stream.call === undefined ? stream.exchange?.isInWork === true : stream.call.abandon()) {
      stream.isAbandoned = true;
      this.abandoned++;
    }
  }

  #endEarly(stream: Http2Stream): void {
    if (!stream.isComplete) this.#closed.add(stream.id);
    this.#end(stream);
  }

  #end(stream: Http2Stream): void {
    this.#streams.delete(stream.id);
    stream.exchange?.closed();
    this.#owner.flushSoon();
  }
}

/** As many as a client may have open, unless its limit was changed: more of them are hardly on their way. */
const MAX_REMEMBERED = 1_000;

/**
 * Streams that were ended here before their client had ended them. What it sends until it knows is no fault, and gets no
 * response (RFC 9113, section 5.1).
 */
export class ClosedStreams {
  #streams: Set<number> | undefined;

  add(stream: number): void {
    const streams = (this.#streams ??= new Set());
    const [oldest] = streams.size < MAX_REMEMBERED ? [] : streams;
    if (oldest !== undefined) streams.delete(oldest);
    streams.add(stream);
  }

  /**
   * Whether the stream is one of them, which is forgotten with its last frame.
   *
   * @param isEnd whether a frame came after which there is none to come on the stream
   */
  consumeIfClosed(stream: number, isEnd: boolean): boolean {
    if (this.#streams === undefined) return false;
    return isEnd ? this.#streams.delete(stream) : this.#streams.has(stream);
  }
}
