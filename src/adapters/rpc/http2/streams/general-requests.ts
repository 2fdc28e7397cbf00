import type { Peer } from "../../exchange/exchange.js";
import type { Allotment } from "../../exchange/request-body.js";
import type { ConnectionHandlers } from "../../exchange/request-handlers.js";
import type { FrameOutput, ResponseSender } from "../frames/frame-output.js";
import { ErrorCode, FrameType, uint32 } from "../frames/protocol.js";
import type { HeaderList } from "../hpack/header-table.js";
import { encodeLiteral } from "../hpack/header-writer.js";
import { type ExchangeOwner, Http2Exchange } from "./http2-exchange.js";
import type { Http2Stream, StreamTable } from "./http2-stream.js";
import { readRequestHead } from "./request-head.js";
import type { StreamEnds, StreamEndsOwner } from "./stream-ends.js";

/** Requests of one connection that wait for their turns, from which on it is not read until half of them have begun. */
const MAX_QUEUED = 100;
/** What an expectation costs of the control budget, half of what its answered call adds: it is answered before there is a call. */
const EXPECTATION_UNITS = 5;
/** What a header takes beside its octets while its request waits or is served, bytes. */
const KEPT_HEADER_BYTES = 200;
const CONTINUE = encodeLiteral([[":status", "100"]]);

type GeneralExchange = Http2Exchange<Http2Stream>;

/** What requests of the general path need of their connection. */
export interface GeneralRequestsOwner extends StreamEndsOwner {
  readonly handlers: ConnectionHandlers;
  readonly peer: Peer;
  readonly allotment: Allotment;
  /** Its peer may be read again, in a turn of its own. */
  readOnSoon(): void;
}

/** The requests of one connection that are on the general path. */
export class GeneralRequests implements ExchangeOwner<Http2Stream> {
  readonly #owner: GeneralRequestsOwner;
  readonly #output: FrameOutput;
  readonly #streams: StreamTable;
  readonly #sender: ResponseSender;
  readonly #ends: StreamEnds;
  #queued = 0;

  constructor(
    owner: GeneralRequestsOwner,
    output: FrameOutput,
    streams: StreamTable,
    sender: ResponseSender,
    ends: StreamEnds,
  ) {
    this.#owner = owner;
    this.#output = output;
    this.#streams = streams;
    this.#sender = sender;
    this.#ends = ends;
  }

  get peer(): Peer {
    return this.#owner.peer;
  }

  /** Takes over a stream with what came of it. @param isEnd whether that is all */
  begin(stream: Http2Stream, isEnd: boolean): void {
    stream.call?.abandon();
    stream.call = undefined;
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
    if (stream.hasGathered)
      for (let part = stream.gathered.take(); part !== undefined; part = stream.gathered.take())
        this.#receive(stream, exchange, part, 0);
    if (isEnd) this.#ends.completed(stream);
    if (head.method === "CONNECT") exchange.send(405, [["allow", "GET, POST"]], "");
    else if (this.#isExpectationMet(stream, exchange)) this.serveIfArrived(stream, exchange);
  }

  data(stream: Http2Stream, exchange: GeneralExchange, part: Buffer, padding: number, isEnd: boolean): void {
    if (!this.#receive(stream, exchange, part, padding)) return;
    if (isEnd) this.#ends.completed(stream);
    this.serveIfArrived(stream, exchange);
  }

  serveIfArrived(stream: Http2Stream, exchange: GeneralExchange): void {
    if (exchange.isArriving && exchange.isWorthServing) this.#serve(stream, exchange);
  }

  /** What is read came without the rest of a request. */
  limitArrival(stream: Http2Stream, exchange: GeneralExchange): void {
    if (exchange.isArriving) exchange.limitArrival(this.#owner.handlers.whenLate, () => this.#serve(stream, exchange));
  }

  beginResponse(stream: Http2Stream, block: Buffer, isEnd: boolean): void {
    if (!this.#streams.has(stream)) return;
    this.#sender.begin(stream, block, isEnd);
    this.#owner.flushSoon();
  }

  writeBody(stream: Http2Stream, chunk: Buffer): boolean {
    if (!this.#streams.has(stream)) return true;
    const isSent = this.#sender.write(stream, chunk);
    this.#owner.flushSoon();
    return isSent;
  }

  endResponse(stream: Http2Stream, trailers: Buffer | undefined): void {
    if (!this.#streams.has(stream)) return;
    this.#sender.end(stream, trailers);
    this.#owner.flushSoon();
  }

  abortResponse(stream: Http2Stream): void {
    if (!this.#streams.has(stream)) return;
    this.#ends.reset(stream.id, ErrorCode.InternalError);
    this.#owner.flushSoon();
  }

  creditStream(stream: Http2Stream, bytes: number): void {
    if (stream.isComplete || !this.#streams.has(stream)) return;
    this.#output.frame(FrameType.WindowUpdate, 0, stream.id, uint32(bytes));
    this.#owner.flushSoon();
  }

  /** A request waits for its turn. */
  joinedQueue(): void {
    if (++this.#queued >= MAX_QUEUED) this.#streams.isBehind = true;
  }

  leftQueue(): void {
    this.#queued--;
    if (!this.#streams.isBehind || this.#queued > MAX_QUEUED >> 1) return;
    this.#streams.isBehind = false;
    this.#owner.readOnSoon();
  }

  released(stream: Http2Stream): void {
    this.#ends.released(stream);
  }

  #receive(stream: Http2Stream, exchange: GeneralExchange, part: Uint8Array, padding: number): boolean {
    const received = exchange.received(part, padding);
    if (received === "ok") return true;
    this.#ends.reset(stream.id, received === "beyond-window" ? ErrorCode.FlowControlError : ErrorCode.ProtocolError);
    return false;
  }

  /** @returns whether the request is to be served */
  #isExpectationMet(stream: Http2Stream, exchange: GeneralExchange): boolean {
    const expectation = exchange.header("expect");
    if (expectation === undefined) return true;
    if (expectation.toLowerCase() !== "100-continue") {
      exchange.send(
        417,
        [["content-type", "text/plain; charset=utf-8"]],
        "the only expectation that can be met is 100-continue\n",
      );
      return false;
    }
    this.#owner.spend(EXPECTATION_UNITS, "expectations");
    if (!stream.isComplete) this.beginResponse(stream, CONTINUE, false);
    return true;
  }

  #serve(stream: Http2Stream, exchange: GeneralExchange): void {
    if (!exchange.isArriving || !this.#streams.has(stream)) return;
    if (!this.#sender.hasRoom) {
      this.#sender.whenRoom(() => this.#serve(stream, exchange));
      return;
    }
    exchange.queued();
    this.joinedQueue();
    this.#owner.handlers.enqueue(this.#owner, exchange);
  }
}

function keptBytes({ headers }: HeaderList): number {
  let bytes = 0;
  for (const { name, value } of headers) bytes += name.length + value.length + KEPT_HEADER_BYTES;
  return bytes;
}
