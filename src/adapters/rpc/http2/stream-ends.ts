import type { AnswerSender } from "./answer-sender.js";
import { EarlyEnds } from "./early-ends.js";
import type { NodeStreams } from "./node-streams.js";
import type { Outbox } from "./outbox.js";
import { ErrorCode, FrameType, uint32 } from "./protocol.js";
import type { StreamTable } from "./stream-table.js";
import type { LaneStream, NodeStream, Stream } from "./streams.js";

/** What the ends of streams mean for their connection. */
export interface StreamEndsOwner {
  /** Something was written, maybe not in the course of reading. */
  flushSoon(): void;
  /** The client has a stream reset, or causes it to be, which costs it nothing: too many cost it the connection. */
  countReset(): void;
}

/** How streams end: answered and whole, refused, reset by either side. */
export class StreamEnds {
  readonly #owner: StreamEndsOwner;
  readonly #outbox: Outbox;
  readonly #streams: StreamTable;
  readonly #sender: AnswerSender;
  readonly #node: NodeStreams;
  readonly #early = new EarlyEnds();

  constructor(owner: StreamEndsOwner, outbox: Outbox, streams: StreamTable, sender: AnswerSender, node: NodeStreams) {
    this.#owner = owner;
    this.#outbox = outbox;
    this.#streams = streams;
    this.#sender = sender;
    this.#node = node;
  }

  /**
   * Whether the stream was ended here before its client had ended it.
   *
   * @param isEnd whether a frame came after which there is none to come on the stream
   */
  wasEarly(id: number, isEnd: boolean): boolean {
    return this.#early.include(id, isEnd);
  }

  /** The request is whole. */
  nodeIsWhole(stream: NodeStream): void {
    stream.isWhole = true;
    if (stream.isAnswered) this.#end(stream);
  }

  nodeIsAnswered(stream: NodeStream): void {
    stream.isAnswered = true;
    if (stream.isWhole) this.#end(stream);
  }

  nodeWasReset(stream: NodeStream, code: number): void {
    this.#endEarly(stream);
    if (code !== ErrorCode.NoError) this.#owner.countReset();
  }

  /** The lane's answer is sent to its end. */
  answered(stream: LaneStream): void {
    // Answered before it was whole: the client may stop sending.
    if (!stream.isWhole) this.#outbox.frame(FrameType.RstStream, 0, stream.id, uint32(ErrorCode.NoError));
    this.#endEarly(stream);
  }

  /** The client wants no answer any more. */
  cancelled(id: number, code: number): void {
    const stream = this.#streams.get(id);
    if (stream === undefined) {
      this.#early.include(id, true);
      return;
    }
    if (stream.isLane) this.#abandon(stream);
    else this.#node.reset(stream, code);
    this.#end(stream);
    this.#owner.countReset();
  }

  /** Does not let a stream begin. @param isEnd whether the client sends no more of it */
  refuse(id: number, code: number, isEnd: boolean): void {
    if (!isEnd) this.#early.add(id);
    this.reset(id, code);
  }

  /** Tells the client that nothing comes, or no more. */
  reset(id: number, code: number): void {
    const stream = this.#streams.get(id);
    if (stream?.isLane === true) this.#abandon(stream);
    else if (stream !== undefined) this.#node.reset(stream, ErrorCode.Cancel);
    this.#outbox.frame(FrameType.RstStream, 0, id, uint32(code));
    if (stream !== undefined) this.#endEarly(stream);
    this.#owner.countReset();
  }

  #abandon(stream: LaneStream): void {
    this.#sender.drop(stream);
    stream.call?.abandon();
  }

  #endEarly(stream: Stream): void {
    if (!stream.isWhole) this.#early.add(stream.id);
    this.#end(stream);
  }

  #end(stream: Stream): void {
    this.#streams.delete(stream.id);
    if (!stream.isLane) this.#node.ended(stream);
    this.#owner.flushSoon();
  }
}
