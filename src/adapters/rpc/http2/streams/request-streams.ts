import type { Logger } from "../../../../ports/logger.js";
import type { ResponseHeaders } from "../../exchange/exchange.js";
import { MAX_FAST_BYTES, MAX_WAITING_BYTES, UNEXPECTED } from "../../exchange/request-handlers.js";
import { type FrameOutput, ResponseSender } from "../frames/frame-output.js";
import { ConnectionFault, ErrorCode, MAX_WINDOW, type PeerSettings } from "../frames/protocol.js";
import type { HeaderList } from "../hpack/header-table.js";
import { HeaderWriter } from "../hpack/header-writer.js";
import { GeneralRequests, type GeneralRequestsOwner } from "./general-requests.js";
import { type FastPathResponder, Http2Stream, StreamTable } from "./http2-stream.js";
import { areTrailers } from "./request-head.js";
import { StreamEnds } from "./stream-ends.js";

const NOTHING = Buffer.alloc(0);
/** Calls that nobody waits for any more and whose work still runs, as a multiple of the streams that may be open. */
const ABANDONED_FACTOR = 4;

/** What the streams need of their connection. */
export interface StreamsOwner extends GeneralRequestsOwner {
  readonly maxConcurrentStreams: number;
  readonly logger: Logger;
  fail(fault: ConnectionFault): void;
}

/** The requests that are under way on one connection. Each is on the fast path or the general path, and may pass to the latter. */
export class RequestStreams implements FastPathResponder {
  readonly #owner: StreamsOwner;
  readonly #peer: PeerSettings;
  readonly #streams = new StreamTable();
  readonly #headers = new HeaderWriter();
  readonly #sender: ResponseSender;
  readonly #ends: StreamEnds;
  readonly #general: GeneralRequests;
  /** Begun by what is being read, and not complete by then. */
  #begun: Http2Stream[] = [];
  /** Those with a response that waits, whose window was opened by what is being read. */
  readonly #opened = new Set<Http2Stream>();
  #isConnectionOpened = false;
  /** The initial window before what is being read has changed it; undefined: it has not, or that is seen to. */
  #windowBefore: number | undefined;
  #last = 0;

  constructor(owner: StreamsOwner, output: FrameOutput, peer: PeerSettings) {
    this.#owner = owner;
    this.#peer = peer;
    this.#sender = new ResponseSender(output, this.#headers, (stream) => this.#ends.answered(stream));
    this.#ends = new StreamEnds(owner, output, this.#streams, this.#sender);
    this.#general = new GeneralRequests(owner, output, this.#streams, this.#sender, this.#ends);
  }

  /** How many have begun and not ended. */
  get count(): number {
    return this.#streams.size;
  }

  /** The last that has begun. */
  get last(): number {
    return this.#last;
  }

  /** Whether so many of them wait for their turns that no more are to be read. */
  get isBehind(): boolean {
    return this.#streams.isBehind;
  }

  begin(id: number, headers: HeaderList, isEnd: boolean): void {
    this.#last = id;
    if (headers.isTooLarge) this.#ends.refuse(id, ErrorCode.EnhanceYourCalm, isEnd);
    else if (this.#isFull()) this.#ends.refuse(id, ErrorCode.RefusedStream, isEnd);
    else {
      const stream = new Http2Stream(id, headers, this.#peer.initialWindow, this);
      const route = isEnd ? undefined : this.#owner.handlers.fastPath?.http2RouteOf(headers, this.#owner.peer);
      this.#streams.add(stream);
      if (!isEnd) this.#begun.push(stream);
      if (route === undefined) this.#general.begin(stream, isEnd);
      else stream.call = route.begin(stream);
    }
  }

  /** Headers on a stream that has begun. @throws ConnectionFault where its client has ended it as well */
  trailers(id: number, headers: HeaderList, isEnd: boolean): void {
    const stream = this.#streams.get(id);
    if (stream === undefined) {
      if (this.#ends.consumeIfClosed(id, isEnd)) return;
      throw new ConnectionFault(ErrorCode.StreamClosed, "headers on a stream that has ended");
    }
    if (stream.isComplete) this.#ends.reset(id, ErrorCode.StreamClosed);
    else if (headers.isTooLarge) this.#ends.reset(id, ErrorCode.EnhanceYourCalm);
    else if (!isEnd || !areTrailers(headers.headers)) this.#ends.reset(id, ErrorCode.ProtocolError);
    else {
      if (stream.exchange === undefined) this.#general.begin(stream, true);
      else this.#general.data(stream, stream.exchange, NOTHING, 0, true);
    }
  }

  /**
   * A part of a body, which lies in `bytes` from `from` to `to`.
   *
   * @param padding bytes of its frame beside it
   */
  data(id: number, bytes: Buffer, from: number, to: number, padding: number, isEnd: boolean): void {
    const stream = this.#streams.get(id);
    if (stream === undefined || stream.isComplete) {
      this.#owner.spend(1, "data on closed streams");
      if (!this.#ends.consumeIfClosed(id, isEnd)) this.#ends.reset(id, ErrorCode.StreamClosed);
      return;
    }
    if (from === to && !isEnd) this.#owner.spend(1, "empty data");
    if (stream.exchange === undefined) this.#fastData(stream, bytes, from, to, padding, isEnd);
    else this.#general.data(stream, stream.exchange, bytes.subarray(from, to), padding, isEnd);
  }

  /** The client wants no response any more. */
  cancelled(id: number): void {
    this.#ends.cancelled(id);
  }

  /** The client takes more of a response. */
  openWindow(id: number, bytes: number): void {
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    if (bytes === 0) this.#ends.reset(id, ErrorCode.ProtocolError);
    else if (stream.sendWindow + bytes > MAX_WINDOW) this.#ends.reset(id, ErrorCode.FlowControlError);
    else {
      stream.sendWindow += bytes;
      // Not at once: a window that opens byte by byte is not to be answered byte by byte.
      if (stream.unsent !== undefined) this.#opened.add(stream);
    }
  }

  /** The client takes more of all responses. @throws ConnectionFault where the window would be larger than any may be */
  openConnectionWindow(bytes: number): void {
    if (this.#sender.window + bytes > MAX_WINDOW) throw windowTooLarge();
    this.#sender.window += bytes;
    this.#isConnectionOpened = true;
  }

  /** @param before the initial window. @throws ConnectionFault where a window would be larger than any may be */
  peerChanged(before: number): void {
    this.#headers.limitTable(this.#peer.headerTableBytes);
    const change = this.#peer.initialWindow - before;
    if (change === 0) return;
    this.#owner.spend(this.#streams.size >> 3, "changes of the initial window");
    for (const stream of this.#streams.all()) {
      stream.sendWindow += change;
      if (stream.sendWindow > MAX_WINDOW) throw windowTooLarge();
      if (change > 0 && stream.unsent !== undefined) this.#opened.add(stream);
    }
  }

  /** The same, once for all that one read brings. @param before the initial window */
  peerChangedSoon(before: number): void {
    this.#windowBefore ??= before;
  }

  /** All that was there is read: windows that were opened are used, and requests that are not complete get their timeouts. */
  afterRead(): void {
    if (this.#windowBefore !== undefined) {
      const before = this.#windowBefore;
      this.#windowBefore = undefined;
      this.peerChanged(before);
    }
    if (this.#opened.size > 0) {
      for (const stream of this.#opened) this.#sender.resume(stream);
      this.#opened.clear();
    }
    if (this.#isConnectionOpened) this.resumeWriting();
    else this.#sender.serveWaiting();
    if (this.#begun.length === 0) return;
    for (const stream of this.#begun) {
      if (stream.isComplete || !this.#streams.has(stream)) continue;
      if (stream.exchange === undefined) stream.call?.limitArrival();
      else this.#general.limitArrival(stream, stream.exchange);
    }
    this.#begun = [];
  }

  /** The client reads again. */
  resumeWriting(): void {
    this.#isConnectionOpened = false;
    this.#sender.resumeAll();
    this.#sender.serveWaiting();
  }

  /** The connection is gone. */
  abandonAll(): void {
    this.#sender.forgetWaiting();
    this.#opened.clear();
    this.#ends.abandonAll();
  }

  respond(
    stream: Http2Stream,
    headers: ResponseHeaders,
    body: Buffer | string,
    trailers: ResponseHeaders | undefined,
  ): void {
    if (!this.#streams.has(stream)) return;
    try {
      this.#sender.respond(stream, headers, typeof body === "string" ? Buffer.from(body) : body, trailers);
    } catch (error) {
      // Half of a response may be written, and who answers later has nobody to catch it: it would end the process.
      this.#owner.logger.error("a response could not be written", { error });
      this.#owner.fail(new ConnectionFault(ErrorCode.InternalError, "a fault of the server's own"));
    }
    this.#owner.flushSoon();
  }

  released(stream: Http2Stream): void {
    this.#ends.released(stream);
  }

  #fastData(stream: Http2Stream, bytes: Buffer, from: number, to: number, padding: number, isEnd: boolean): void {
    if (padding > 0 && !isEnd) this.#general.creditStream(stream, padding);
    if (isEnd && !stream.hasGathered) {
      this.#ask(stream, bytes, from, to);
      return;
    }
    const { gathered } = stream;
    gathered.add(bytes.subarray(from, to));
    if (isEnd) this.#ask(stream, gathered.all, 0, gathered.length);
    else if (gathered.length > MAX_FAST_BYTES) this.#general.begin(stream, false);
  }

  /** @param isItsTurn whether it has waited for its turn */
  #ask(stream: Http2Stream, bytes: Buffer, from: number, to: number, isItsTurn = false): void {
    const { call } = stream;
    if (call === undefined) return;
    stream.isComplete = true;
    if (!this.#sender.hasRoom) {
      const body = Buffer.from(bytes.subarray(from, to));
      this.#sender.whenRoom(() => {
        if (this.#streams.has(stream)) this.#ask(stream, body, 0, body.length);
      });
      return;
    }
    try {
      const served =
        call.isDear && !isItsTurn
          ? this.#owner.handlers.answerDear(call, bytes, from, to)
          : call.answer(bytes, from, to);
      if (served === "later" && to - from <= MAX_WAITING_BYTES) this.#askInTurn(stream, bytes.subarray(from, to));
      else if (served !== true) {
        stream.isComplete = false;
        if (!stream.hasGathered) stream.gathered.add(bytes.subarray(from, to));
        this.#general.begin(stream, true);
      }
    } catch (error) {
      // A fault on the fast path costs the one call.
      this.#owner.logger.error(UNEXPECTED, { error });
      this.#ends.reset(stream.id, ErrorCode.InternalError);
    }
  }

  #askInTurn(stream: Http2Stream, bytes: Buffer): void {
    const body = Buffer.from(bytes);
    stream.call?.wait();
    this.#general.joinedQueue();
    this.#owner.handlers.inTurn(this.#owner, () => {
      this.#general.leftQueue();
      if (!this.#streams.has(stream)) return false;
      this.#ask(stream, body, 0, body.length, true);
      return true;
    });
  }

  #isFull(): boolean {
    const { maxConcurrentStreams } = this.#owner;
    return (
      this.#streams.size >= maxConcurrentStreams || this.#ends.abandoned >= ABANDONED_FACTOR * maxConcurrentStreams
    );
  }
}

function windowTooLarge(): ConnectionFault {
  return new ConnectionFault(ErrorCode.FlowControlError, "a window that is larger than any may be");
}
