import type { Logger } from "../../../ports/logger.js";
import type { AnswerHeaders } from "./answer-headers.js";
import { AnswerSender } from "./answer-sender.js";
import { AnswerWindows } from "./answer-windows.js";
import { DataSender } from "./data-sender.js";
import { HeaderWriter } from "./header-writer.js";
import type { HeaderList } from "./hpack/header-list.js";
import { LaneRequests, type LaneRequestsOwner } from "./lane-requests.js";
import type { Lane } from "./lane.js";
import type { NodeAnswers, NodeSession } from "./node-session.js";
import { NodeStreams, type NodeStreamsOwner } from "./node-streams.js";
import type { Outbox } from "./outbox.js";
import type { PeerSettings } from "./peer-settings.js";
import { ConnectionFault, ErrorCode, FrameType, uint32 } from "./protocol.js";
import type { ReceiveWindow } from "./receive-window.js";
import { StreamEnds, type StreamEndsOwner } from "./stream-ends.js";
import { StreamTable } from "./stream-table.js";
import { LaneStream, NodeStream, type Answering } from "./streams.js";

/** What the streams need of their connection. */
export interface StreamsOwner extends StreamEndsOwner {
  readonly lane: Lane | undefined;
  readonly maxConcurrentStreams: number;
  readonly logger: Logger;
  fail(fault: ConnectionFault): void;
  /** A session that ends with the connection. */
  openNodeSession(answers: NodeAnswers, initialWindow: number): NodeSession;
}

/** The requests that are under way on one connection. Each is the lane's or Node's, and may pass from the lane to Node. */
export class RequestStreams implements Answering, LaneRequestsOwner, NodeStreamsOwner {
  readonly #owner: StreamsOwner;
  readonly #outbox: Outbox;
  readonly #peer: PeerSettings;
  readonly #window: ReceiveWindow;
  readonly #streams = new StreamTable();
  readonly #headers = new HeaderWriter();
  readonly #sender: AnswerSender;
  readonly #node: NodeStreams;
  readonly #windows: AnswerWindows;
  readonly #lane = new LaneRequests(this);
  readonly #ends: StreamEnds;
  #last = 0;

  constructor(owner: StreamsOwner, outbox: Outbox, peer: PeerSettings, window: ReceiveWindow) {
    this.#owner = owner;
    this.#outbox = outbox;
    this.#peer = peer;
    this.#window = window;
    const data = new DataSender(outbox);
    this.#sender = new AnswerSender(outbox, data, this.#headers, (stream) => this.#ends.answered(stream));
    this.#node = new NodeStreams(this, outbox, data, this.#headers, peer);
    this.#ends = new StreamEnds(owner, outbox, this.#streams, this.#sender, this.#node);
    this.#windows = new AnswerWindows(peer, data, this.#sender, this.#node);
  }

  get logger(): Logger {
    return this.#owner.logger;
  }

  /** How many have begun and not ended. */
  get count(): number {
    return this.#streams.size;
  }

  /** The last that has begun. */
  get last(): number {
    return this.#last;
  }

  begin(id: number, headers: HeaderList, isEnd: boolean): void {
    this.#last = id;
    if (this.#streams.size >= this.#owner.maxConcurrentStreams) this.#ends.refuse(id, ErrorCode.RefusedStream, isEnd);
    else if (headers.isTooLarge) this.#ends.refuse(id, ErrorCode.EnhanceYourCalm, isEnd);
    else if (isEnd) this.#beginWithNode(id, headers, true);
    else this.#beginWithBody(id, headers);
  }

  /** Headers on a stream that has begun. @throws ConnectionFault where its client has ended it as well */
  trailers(id: number, headers: HeaderList, isEnd: boolean): void {
    const stream = this.#streams.get(id);
    if (stream === undefined) {
      if (this.#ends.wasEarly(id, isEnd)) return;
      throw new ConnectionFault(ErrorCode.StreamClosed, "headers on a stream that has ended");
    }
    if (stream.isWhole) this.reset(id, ErrorCode.StreamClosed);
    else if (headers.isTooLarge) this.reset(id, ErrorCode.EnhanceYourCalm);
    else {
      const nodes = stream.isLane ? this.passOn(stream, stream.chunks) : stream;
      this.#node.trailers(nodes, headers, isEnd);
      if (isEnd) this.#ends.nodeIsWhole(nodes);
    }
  }

  /** A part of a body, which lies in `bytes` from `from` to `to`. */
  data(id: number, bytes: Buffer, from: number, to: number, isEnd: boolean): void {
    const stream = this.#streams.get(id);
    if (stream === undefined || stream.isWhole) {
      this.#window.taken(to - from);
      if (!this.#ends.wasEarly(id, isEnd)) this.reset(id, ErrorCode.StreamClosed);
    } else if (stream.isLane) {
      this.#window.taken(to - from);
      this.#lane.data(stream, bytes, from, to, isEnd);
    } else {
      this.#node.data(stream, bytes.subarray(from, to), isEnd);
      if (isEnd) this.#ends.nodeIsWhole(stream);
    }
  }

  /** Nobody needs it, and Node, which minds the stream's window, does not hear of it. */
  padding(id: number, bytes: number): void {
    this.#window.taken(bytes);
    if (this.#streams.get(id)?.isWhole === false) this.#outbox.frame(FrameType.WindowUpdate, 0, id, uint32(bytes));
  }

  /** The client wants no answer any more. */
  cancelled(id: number, code: number): void {
    this.#ends.cancelled(id, code);
  }

  /** The client takes more of an answer. */
  openWindow(id: number, bytes: number): void {
    const stream = this.#streams.get(id);
    const fault = stream && this.#windows.open(stream, bytes);
    if (fault !== undefined) this.reset(id, fault);
  }

  /** The client takes more of all answers. @throws ConnectionFault where the window would be larger than any may be */
  openConnectionWindow(bytes: number): void {
    this.#windows.openConnection(bytes);
  }

  /** @param initialWindow before. @throws ConnectionFault where a window would be larger than any may be */
  peerChanged(initialWindow: number): void {
    this.#headers.limitTable(this.#peer.headerTableBytes);
    this.#windows.initialChanged(this.#streams.all(), initialWindow);
  }

  /** The client reads again. */
  resumeWriting(): void {
    this.#node.resumeWriting();
  }

  /** All that was there is read: requests that are not whole by now may not take for ever. */
  limitArrivals(): void {
    this.#lane.limitArrivals();
  }

  /** The connection is gone. */
  abandonAll(): void {
    const streams = this.#streams.all();
    this.#streams.clear();
    for (const stream of streams) if (stream.isLane) stream.call?.abandon();
    this.#node.destroy();
  }

  answer(stream: LaneStream, headers: AnswerHeaders, body: Buffer, trailers: AnswerHeaders): void {
    if (!this.isOpen(stream)) return;
    try {
      this.#sender.send(stream, headers, body, trailers);
    } catch (error) {
      // Half of an answer may be written, and who answers later has nobody to catch it: it would end the process.
      this.logger.error("an answer could not be written", { error });
      this.#owner.fail(new ConnectionFault(ErrorCode.InternalError, "a fault of the server's own"));
    }
    this.#owner.flushSoon();
  }

  openNodeSession(answers: NodeAnswers, initialWindow: number): NodeSession {
    return this.#owner.openNodeSession(answers, initialWindow);
  }

  flushSoon(): void {
    this.#owner.flushSoon();
  }

  isOpen(stream: LaneStream): boolean {
    return this.#streams.get(stream.id) === stream;
  }

  passOn(stream: LaneStream, chunks: readonly Buffer[]): NodeStream {
    const { id, headers, isWhole, sendWindow } = stream;
    stream.call?.abandon();
    const passed = new NodeStream(id, sendWindow, isWhole);
    this.#streams.replace(passed);
    this.#node.begin(passed, headers, false);
    for (const [index, chunk] of chunks.entries()) {
      this.#node.data(passed, chunk, isWhole && index === chunks.length - 1);
      this.#window.taken(-chunk.length);
    }
    return passed;
  }

  reset(id: number, code: number): void {
    this.#ends.reset(id, code);
  }

  nodeAnswered(stream: NodeStream): void {
    this.#ends.nodeIsAnswered(stream);
  }

  nodeReset(stream: NodeStream, code: number): void {
    this.#ends.nodeWasReset(stream, code);
  }

  nodeTook(bytes: number): void {
    this.#window.taken(bytes);
    this.#owner.flushSoon();
  }

  nodeFailed(code: number): void {
    this.#owner.fail(new ConnectionFault(code, "Node has given up the session"));
  }

  #beginWithNode(id: number, headers: HeaderList, isEnd: boolean): void {
    const stream = new NodeStream(id, this.#peer.initialWindow, isEnd);
    this.#streams.add(stream);
    this.#node.begin(stream, headers, isEnd);
  }

  #beginWithBody(id: number, headers: HeaderList): void {
    const route = this.#owner.lane?.routeOf(headers);
    if (route === undefined) {
      this.#beginWithNode(id, headers, false);
      return;
    }
    const stream = new LaneStream(id, headers, this.#peer.initialWindow, this);
    this.#streams.add(stream);
    this.#lane.begin(stream, route);
  }
}
