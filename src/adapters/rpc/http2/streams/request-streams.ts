import type { Logger } from "../../../../ports/logger.js";
import type { Allotment } from "../../exchange/half-sent-budget.js";
import type { Peer } from "../../exchange/peer.js";
import type { ConnectionHandlers } from "../../exchange/request-handlers.js";
import type { ResponseHeaders } from "../../exchange/response-headers.js";
import type { FrameOutput } from "../frames/frame-output.js";
import type { PeerSettings } from "../frames/peer-settings.js";
import { ConnectionFault, ErrorCode, FrameType, MAX_WINDOW, uint32 } from "../frames/protocol.js";
import type { HeaderList } from "../hpack/header-list.js";
import { HeaderWriter } from "../hpack/header-writer.js";
import { encodeLiteral } from "../hpack/literal-headers.js";
import { Http2Exchange, type ExchangeOwner } from "./http2-exchange.js";
import { Http2Stream, type FastPathResponder, type StreamExchange } from "./http2-stream.js";
import { areTrailers, readRequestHead } from "./request-head.js";
import { ResponseSender } from "./response-sender.js";
import { StreamEnds, type StreamEndsOwner } from "./stream-ends.js";
import { StreamTable } from "./stream-table.js";

/** A request of the fast path is a few hundred bytes; a longer one is the general path's, which minds the window of its stream. */
const MAX_FAST_BYTES = 16_384;
const MAX_FAST_CHUNKS = 16;
/** Bytes of responses that wait for windows, from which on no more requests are served until the peer takes some. */
const MAX_UNSENT_BYTES = 1024 * 1024;
/** Calls that nobody waits for any more and whose work still runs, as a multiple of the streams that may be open. */
const ABANDONED_FACTOR = 4;
/** What an expectation costs of the control budget, half of what its answered call adds: it is answered before there is a call. */
const EXPECTATION_UNITS = 5;
/** What a header takes beside its octets while its request waits or is served, bytes. */
const KEPT_HEADER_BYTES = 200;

/** What the streams need of their connection. */
export interface StreamsOwner extends StreamEndsOwner {
  readonly handlers: ConnectionHandlers;
  readonly peer: Peer;
  readonly maxConcurrentStreams: number;
  readonly logger: Logger;
  readonly allotment: Allotment;
  fail(fault: ConnectionFault): void;
}

/** The requests that are under way on one connection. Each is on the fast path or the general path, and may pass to the latter. */
export class RequestStreams implements FastPathResponder, ExchangeOwner {
  readonly #owner: StreamsOwner;
  readonly #output: FrameOutput;
  readonly #peer: PeerSettings;
  readonly #streams = new StreamTable();
  readonly #headers = new HeaderWriter();
  readonly #sender: ResponseSender;
  readonly #ends: StreamEnds;
  /** On the fast path, begun by what is being read. */
  #begun: Http2Stream[] = [];
  /** Those with a response that waits, whose window was opened by what is being read. */
  readonly #opened = new Set<Http2Stream>();
  #isConnectionOpened = false;
  /** The initial window before what is being read has changed it; undefined: it has not, or that is seen to. */
  #windowBefore: number | undefined;
  /** Complete requests, while too much of responses waits for windows. */
  #waiting: (() => void)[] = [];
  #last = 0;

  constructor(owner: StreamsOwner, output: FrameOutput, peer: PeerSettings) {
    this.#owner = owner;
    this.#output = output;
    this.#peer = peer;
    this.#sender = new ResponseSender(output, this.#headers, (stream) => this.#ends.answered(stream));
    this.#ends = new StreamEnds(owner, output, this.#streams, this.#sender);
  }

  /** How many have begun and not ended. */
  get count(): number {
    return this.#streams.size;
  }

  /** The last that has begun. */
  get last(): number {
    return this.#last;
  }

  get peer(): Peer {
    return this.#owner.peer;
  }

  begin(id: number, headers: HeaderList, isEnd: boolean): void {
    this.#last = id;
    if (headers.isTooLarge) this.#ends.refuse(id, ErrorCode.EnhanceYourCalm, isEnd);
    else if (this.#isFull()) this.#ends.refuse(id, ErrorCode.RefusedStream, isEnd);
    else {
      const stream = new Http2Stream(id, headers, this.#peer.initialWindow, this);
      const route = isEnd ? undefined : this.#owner.handlers.fastPath?.http2RouteOf(headers, this.#owner.peer);
      this.#streams.add(stream);
      if (route === undefined) this.#serve(stream, [], isEnd);
      else {
        this.#begun.push(stream);
        stream.call = route.begin(stream);
      }
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
      if (stream.exchange === undefined) this.#serve(stream, stream.chunks, false);
      this.#ends.completed(stream);
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
    else this.#generalData(stream, stream.exchange, bytes.subarray(from, to), padding, isEnd);
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
    else if (this.#waiting.length > 0) this.#serveWaiting();
    if (this.#begun.length === 0) return;
    for (const stream of this.#begun) if (!stream.isComplete && this.#isOpen(stream)) stream.call?.limitArrival();
    this.#begun = [];
  }

  /** The client reads again. */
  resumeWriting(): void {
    this.#isConnectionOpened = false;
    this.#sender.resumeAll();
    this.#serveWaiting();
  }

  /** The connection is gone. */
  abandonAll(): void {
    this.#waiting = [];
    this.#opened.clear();
    this.#ends.abandonAll();
  }

  respond(stream: Http2Stream, headers: ResponseHeaders, body: Buffer | string, trailers: ResponseHeaders | undefined): void {
    if (!this.#isOpen(stream)) return;
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

  beginResponse(stream: Http2Stream, block: Buffer, isEnd: boolean): void {
    if (!this.#isOpen(stream)) return;
    this.#sender.begin(stream, block, isEnd);
    this.#owner.flushSoon();
  }

  writeBody(stream: Http2Stream, chunk: Buffer): boolean {
    if (!this.#isOpen(stream)) return true;
    const isSent = this.#sender.write(stream, chunk);
    this.#owner.flushSoon();
    return isSent;
  }

  endResponse(stream: Http2Stream, trailers: Buffer | undefined): void {
    if (!this.#isOpen(stream)) return;
    this.#sender.end(stream, trailers);
    this.#owner.flushSoon();
  }

  abortResponse(stream: Http2Stream): void {
    if (!this.#isOpen(stream)) return;
    this.#ends.reset(stream.id, ErrorCode.InternalError);
    this.#owner.flushSoon();
  }

  creditStream(stream: Http2Stream, bytes: number): void {
    if (stream.isComplete || !this.#isOpen(stream)) return;
    this.#output.frame(FrameType.WindowUpdate, 0, stream.id, uint32(bytes));
    this.#owner.flushSoon();
  }

  #fastData(stream: Http2Stream, bytes: Buffer, from: number, to: number, padding: number, isEnd: boolean): void {
    if (padding > 0 && !isEnd) this.creditStream(stream, padding);
    if (isEnd && stream.bytes === 0) {
      this.#ask(stream, bytes, from, to);
      return;
    }
    stream.gather(bytes.subarray(from, to));
    if (isEnd) this.#ask(stream, Buffer.concat(stream.chunks), 0, stream.bytes);
    else if (stream.bytes > MAX_FAST_BYTES || stream.chunks.length > MAX_FAST_CHUNKS) this.#serve(stream, stream.chunks, false);
  }

  #ask(stream: Http2Stream, bytes: Buffer, from: number, to: number): void {
    if (this.#sender.unsentBytes > MAX_UNSENT_BYTES) {
      const body = Buffer.from(bytes.subarray(from, to));
      stream.isComplete = true;
      this.#waiting.push(() => {
        if (this.#isOpen(stream)) this.#ask(stream, body, 0, body.length);
      });
      return;
    }
    stream.isComplete = true;
    try {
      if (stream.call?.answer(bytes, from, to) === false) {
        stream.isComplete = false;
        this.#serve(stream, stream.bytes > 0 ? stream.chunks : [bytes.subarray(from, to)], true);
      }
    } catch (error) {
      // A fault on the fast path costs the one call.
      this.#owner.logger.error("unexpected error in a call", { error });
      this.#ends.reset(stream.id, ErrorCode.InternalError);
    }
  }

  #generalData(stream: Http2Stream, exchange: StreamExchange, chunk: Buffer, padding: number, isEnd: boolean): void {
    switch (exchange.received(chunk, padding)) {
      case "beyond-window":
        this.#ends.reset(stream.id, ErrorCode.FlowControlError);
        return;
      case "beyond-length":
        this.#ends.reset(stream.id, ErrorCode.ProtocolError);
        return;
      case "ok":
        if (isEnd) this.#ends.completed(stream);
    }
  }

  /** Has the general path serve the stream. @param chunks of its body that are there; good until it returns */
  #serve(stream: Http2Stream, chunks: readonly Buffer[], isEnd: boolean): void {
    if (stream.call !== undefined) {
      stream.call.abandon();
      stream.call = undefined;
    }
    const head = readRequestHead(stream.headers.headers);
    if (head === undefined) {
      stream.isComplete ||= isEnd;
      this.#ends.reset(stream.id, ErrorCode.ProtocolError);
      return;
    }
    const exchange = new Http2Exchange(this, stream, head, this.#owner.allotment);
    stream.exchange = exchange;
    if (!exchange.body.hold(keptBytes(stream.headers))) {
      stream.isComplete ||= isEnd;
      this.#ends.refuse(stream.id, ErrorCode.RefusedStream, stream.isComplete);
      this.#ends.cancelled(stream.id);
      return;
    }
    for (const chunk of chunks) this.#generalData(stream, exchange, chunk, 0, false);
    if (isEnd) this.#ends.completed(stream);
    if (head.method === "CONNECT") {
      exchange.send(405, [["allow", "GET, POST"]], "");
      return;
    }
    const expectation = exchange.header("expect");
    if (expectation === undefined) this.#enqueue(stream, exchange);
    else if (expectation.toLowerCase() === "100-continue") {
      this.#owner.spend(EXPECTATION_UNITS, "expectations");
      if (!stream.isComplete) this.beginResponse(stream, CONTINUE, false);
      this.#enqueue(stream, exchange);
    } else exchange.send(417, [["content-type", "text/plain; charset=utf-8"]], "the only expectation that can be met is 100-continue\n");
  }

  #enqueue(stream: Http2Stream, exchange: Http2Exchange): void {
    if (!this.#isOpen(stream)) return;
    if (this.#sender.unsentBytes > MAX_UNSENT_BYTES) {
      this.#waiting.push(() => this.#enqueue(stream, exchange));
      return;
    }
    exchange.isInWork = true;
    this.#owner.handlers.enqueue(this.#owner, exchange, () => {
      exchange.isInWork = false;
      exchange.body.release();
      this.released(stream);
    });
  }

  #isFull(): boolean {
    const { maxConcurrentStreams } = this.#owner;
    return this.#streams.size >= maxConcurrentStreams || this.#ends.abandoned >= ABANDONED_FACTOR * maxConcurrentStreams;
  }

  /** Serves requests that waited for the peer to take responses. */
  #serveWaiting(): void {
    while (this.#waiting.length > 0 && this.#sender.unsentBytes <= MAX_UNSENT_BYTES) this.#waiting.shift()?.();
  }

  #isOpen(stream: Http2Stream): boolean {
    return this.#streams.get(stream.id) === stream;
  }
}

const CONTINUE = encodeLiteral([[":status", "100"]]);

function keptBytes({ headers }: HeaderList): number {
  let bytes = 0;
  for (const { name, value } of headers) bytes += name.length + value.length + KEPT_HEADER_BYTES;
  return bytes;
}

function windowTooLarge(): ConnectionFault {
  return new ConnectionFault(ErrorCode.FlowControlError, "a window that is larger than any may be");
}
