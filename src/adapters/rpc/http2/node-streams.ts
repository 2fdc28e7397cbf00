import type { AnswerSender } from "./answer-sender.js";
import { ForwardedFrames } from "./forwarded-frames.js";
import type { HeaderList } from "./hpack/header-list.js";
import type { NodeAnswers, NodeSession } from "./node-session.js";
import type { Outbox } from "./outbox.js";
import type { PeerSettings } from "./peer-settings.js";
import { Flag, FrameType, uint32 } from "./protocol.js";

/** What becomes of the streams that Node serves. */
export interface NodeStreamsOwner {
  /** A session that ends with the connection. */
  openNodeSession(answers: NodeAnswers, initialWindow: number): NodeSession;
  /** Something was written, maybe not in the course of reading. */
  flushSoon(): void;
  /** Whether the client still waits for an answer of Node's. */
  isNodes(stream: number): boolean;
  nodeAnswered(stream: number): void;
  /** @param code of ErrorCode */
  nodeReset(stream: number, code: number): void;
  nodeTook(bytes: number): void;
  /** Node has given up the session. */
  nodeFailed(code: number): void;
}

/** The streams of one connection that Node serves: a session of its own, which begins with the first of them. */
export class NodeStreams implements NodeAnswers {
  readonly #owner: NodeStreamsOwner;
  readonly #outbox: Outbox;
  readonly #peer: PeerSettings;
  readonly #forwarded: ForwardedFrames;
  #session: NodeSession | undefined;

  constructor(owner: NodeStreamsOwner, outbox: Outbox, sender: AnswerSender, peer: PeerSettings) {
    this.#owner = owner;
    this.#outbox = outbox;
    this.#peer = peer;
    this.#forwarded = new ForwardedFrames(outbox, sender);
  }

  get isBackedUp(): boolean {
    return this.#outbox.isBackedUp || this.#forwarded.areWaiting;
  }

  /** A stream begins, or ends with these as trailers. */
  headers(stream: number, headers: HeaderList, isEnd: boolean): void {
    this.#opened().headers(stream, headers, isEnd);
  }

  data(stream: number, bytes: Uint8Array, isEnd: boolean): void {
    this.#opened().pass(FrameType.Data, isEnd ? Flag.EndStream : 0, stream, bytes);
  }

  windowUpdate(stream: number, bytes: number): void {
    this.#opened().pass(FrameType.WindowUpdate, 0, stream, uint32(bytes));
  }

  reset(stream: number, code: number): void {
    this.#opened().pass(FrameType.RstStream, 0, stream, uint32(code));
  }

  initialWindowChanged(): void {
    this.#session?.changeInitialWindow(this.#peer.initialWindow);
  }

  /** The connection's window has opened, or the client reads again. */
  sendWaiting(): void {
    if (this.#forwarded.areWaiting) this.#forwarded.sendWaiting();
    if (!this.isBackedUp) this.#session?.resumeWriting();
  }

  destroy(): void {
    this.#session?.destroy();
  }

  forward(type: number, flags: number, stream: number, payload: Buffer): void {
    // Cancelled, and Node has not heard of it yet.
    if (!this.#owner.isNodes(stream)) return;
    this.#forwarded.send(type, flags, stream, payload);
    this.#owner.flushSoon();
    if (type === FrameType.RstStream) this.#owner.nodeReset(stream, payload.readUInt32BE());
    else if (type !== FrameType.WindowUpdate && (flags & Flag.EndStream) !== 0) this.#owner.nodeAnswered(stream);
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
