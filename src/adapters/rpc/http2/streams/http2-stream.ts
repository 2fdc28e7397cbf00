import type { ResponseHeaders } from "../../exchange/exchange.js";
import { GatheredBytes } from "../../exchange/request-body.js";
import type { FastPathCall, FastPathStream } from "../../exchange/request-handlers.js";
import { ConnectionFault, DEFAULT_WINDOW, ErrorCode } from "../frames/protocol.js";
import type { HeaderList } from "../hpack/header-table.js";
import type { Http2Exchange } from "./http2-exchange.js";

/** How a response ends: with its body, by these trailers, or by trailers of the general path in a block of their own; undefined: not yet. */
export type ResponseEnd = "body" | ResponseHeaders | Buffer | undefined;

/** What the fast path says of a stream. */
export interface FastPathResponder {
  respond(
    stream: Http2Stream,
    headers: ResponseHeaders,
    body: Buffer | string,
    trailers: ResponseHeaders | undefined,
  ): void;
  released(stream: Http2Stream): void;
}

/** One request and its response, on the fast path (`call`) or the general path (`exchange`). */
export class Http2Stream implements FastPathStream {
  readonly id: number;
  readonly headers: HeaderList;
  /** How much more of the response the peer takes for now; below 0 where it has changed its mind. */
  sendWindow: number;
  /** Whether the request has come to its end. */
  isComplete = false;
  call: FastPathCall | undefined;
  exchange: Http2Exchange<Http2Stream> | undefined;
  /** What of the response waits for a window. */
  unsent: { readonly body: Buffer; readonly end: ResponseEnd } | undefined;
  /** Whether work for it runs on that nobody waits for. */
  isAbandoned = false;
  readonly #responder: FastPathResponder;
  #gathered: GatheredBytes | undefined;

  constructor(id: number, headers: HeaderList, sendWindow: number, responder: FastPathResponder) {
    this.id = id;
    this.headers = headers;
    this.sendWindow = sendWindow;
    this.#responder = responder;
  }

  /** What came of the request's body for the fast path before its last part. */
  get gathered(): GatheredBytes {
    return (this.#gathered ??= new GatheredBytes());
  }

  get hasGathered(): boolean {
    return this.#gathered !== undefined && this.#gathered.length > 0;
  }

  respond(headers: ResponseHeaders, body: Buffer | string, trailers: ResponseHeaders | undefined): void {
    this.#responder.respond(this, headers, body, trailers);
  }

  released(): void {
    this.#responder.released(this);
  }
}

/** Credit is returned once it is a quarter of what may be on its way. */
const RETURN_FROM = 16_384;

/**
 * How much of all requests together may be on its way. Credited on receipt, not when it is read: one request that nobody reads
 * would else stop every other of its connection. What may be held for unread requests is bounded by their streams' windows.
 */
export class ReceiveWindow {
  readonly #returnCredit: (bytes: number) => void;
  #left = DEFAULT_WINDOW;

  constructor(returnCredit: (bytes: number) => void) {
    this.#returnCredit = returnCredit;
  }

  /** @throws ConnectionFault for more than the peer may send */
  received(bytes: number): void {
    this.#left -= bytes;
    if (this.#left < 0) throw new ConnectionFault(ErrorCode.FlowControlError, "more data than the window allows");
    const missing = DEFAULT_WINDOW - this.#left;
    if (missing < RETURN_FROM) return;
    this.#returnCredit(missing);
    this.#left = DEFAULT_WINDOW;
  }
}

/**
 * The streams that are open, by their ids. The newest stands apart: most requests come whole and are answered before
 * the next begins, and so never cost a place in the Map.
 */
export class StreamTable {
  readonly #older = new Map<number, Http2Stream>();
  #newest: Http2Stream | undefined;
  /** Whether so many of the general path's wait for their turns that no more are to be read. Asked before each frame. */
  isBehind = false;

  get size(): number {
    return this.#older.size + (this.#newest === undefined ? 0 : 1);
  }

  get(id: number): Http2Stream | undefined {
    return this.#newest?.id === id ? this.#newest : this.#older.get(id);
  }

  has(stream: Http2Stream): boolean {
    return this.get(stream.id) === stream;
  }

  /** @param stream whose id is higher than any before */
  add(stream: Http2Stream): void {
    if (this.#newest !== undefined) this.#older.set(this.#newest.id, this.#newest);
    this.#newest = stream;
  }

  delete(id: number): void {
    if (this.#newest?.id === id) this.#newest = undefined;
    else this.#older.delete(id);
  }

  /** In the order of their ids. */
  all(): readonly Http2Stream[] {
    const older = [...this.#older.values()];
    return this.#newest === undefined ? older : [...older, this.#newest];
  }

  clear(): void {
    this.#older.clear();
    this.#newest = undefined;
  }
}
