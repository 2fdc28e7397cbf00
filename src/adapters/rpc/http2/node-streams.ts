import type { DataSender } from "./data-sender.js";
import { ForwardedFrames, type ForwardedFramesOwner } from "./forwarded-frames.js";
import type { HeaderWriter } from "./header-writer.js";
import type { HeaderList } from "./hpack/header-list.js";
import type { NodeAnswers, NodeSession } from "./node-session.js";
import type { Outbox } from "./outbox.js";
import type { PeerSettings } from "./peer-settings.js";
import { Flag, FrameType, uint32 } from "./protocol.js";
import type { NodeStream } from "./streams.js";

/** What becomes of the streams that Node serves. */
export interface NodeStreamsOwner {
  /** A session that ends with the connection. */
  openNodeSession(answers: NodeAnswers, initialWindow: number): NodeSession;
  /** Something was written, maybe not in the course of reading. */
  flushSoon(): void;
  nodeAnswered(stream: NodeStream): void;
  /** @param code of ErrorCode */
  nodeReset(stream: NodeStream, code: number): void;
  nodeTook(bytes: number): void;
  /** Node has given up the session. */
  nodeFailed(code: number): void;
}

/** The streams of one connection that Node serves: a session of its own, which begins with the first of them. */
export class NodeStreams implements NodeAnswers, ForwardedFramesOwner {
  readonly #owner: NodeStreamsOwner;
  readonly #outbox: Outbox;
  readonly #peer: PeerSettings;
  readonly #forwarded: ForwardedFrames;
  /** By their numbers in the session. */
  readonly #streams = new Map<number, NodeStream>();
  #next = 1;
  #session: NodeSession | undefined;

  constructor(owner: NodeStreamsOwner, outbox: Outbox, data: DataSender, headers: HeaderWriter, peer: PeerSettings) {
    this.#owner = owner;
    this.#outbox = outbox;
    this.#peer = peer;
    this.#forwarded = new ForwardedFrames(this, outbox, data, headers);
  }

  get isBackedUp(): boolean {
    return this.#outbox.isBackedUp;
  }

  begin(stream: NodeStream, headers: HeaderList, isEnd: boolean): void {
    stream.number = this.#next;
    this.#next += 2;
    this.#streams.set(stream.number, stream);
    this.#opened().headers(stream.number, headers, isEnd);
    const opened = stream.sendWindow - this.#peer.initialWindow;
    if (opened > 0) this.windowUpdate(stream, opened);
  }

  trailers({ number }: NodeStream, headers: HeaderList, isEnd: boolean): void {
    this.#opened().headers(number, headers, isEnd);
  }

  data({ number }: NodeStream, bytes: Uint8Array, isEnd: boolean): void {
    this.#opened().pass(FrameType.Data, isEnd ? Flag.EndStream : 0, number, bytes);
  }

  windowUpdate({ number }: NodeStream, bytes: number): void {
    this.#opened().pass(FrameType.WindowUpdate, 0, number, uint32(bytes));
  }

  reset(stream: NodeStream, code: number): void {
    this.#forwarded.drop(stream);
    this.#opened().pass(FrameType.RstStream, 0, stream.number, uint32(code));
  }

  /** Nothing that Node still sends on it is for the client. */
  ended({ number }: NodeStream): void {
    this.#streams.delete(number);
  }

  initialWindowChanged(): void {
    this.#session?.changeInitialWindow(this.#peer.initialWindow);
  }

  /** The stream's window has opened. */
  resume(stream: NodeStream): void {
    this.#forwarded.resume(stream);
  }

  /** The connection's window has opened. */
  resumeAll(): void {
    this.#forwarded.resumeAll();
  }

  /** The client reads again. */
  resumeWriting(): void {
    this.#session?.resumeWriting();
  }

  destroy(): void {
    this.#session?.destroy();
  }

  forward(type: number, flags: number, number: number, payload: Buffer): void {
    const stream = this.#streams.get(number);
    if (stream === undefined) {
      // Cancelled, and Node has not heard of it yet.
      if (type === FrameType.Data) this.sent(payload.length);
      return;
    }
    if (type === FrameType.WindowUpdate) this.#outbox.frame(type, flags, stream.id, payload);
    else this.#forwarded.send(stream, type, flags, payload);
    this.#owner.flushSoon();
  }

  sent(bytes: number): void {
    this.#session?.sent(bytes);
  }

  wasReset(stream: NodeStream, code: number): void {
    this.#owner.nodeReset(stream, code);
  }

  answered(stream: NodeStream): void {
    this.#owner.nodeAnswered(stream);
  }

  consumed(bytes: number): void {
    this.#owner.nodeTook(bytes);
  }

  failed(code: number): void {
    this.#owner.nodeFailed(code);
  }

  #opened(): NodeSession {
    return (this.#session ??= this.#owner.openNodeSession(this, this.#peer.initialWindow));
  }
}
