import type { FastPathCall, FastPathStream } from "../../exchange/fast-path.js";
import type { ResponseHeaders } from "../../exchange/response-headers.js";
import type { HeaderList } from "../hpack/header-list.js";

/** How a response ends: with its body, by these trailers, or by trailers of the general path in a block of their own; undefined: not yet. */
export type ResponseEnd = "body" | ResponseHeaders | Buffer | undefined;

/** A stream's exchange on the general path, as its connection drives it. */
export interface StreamExchange {
  readonly isAnswered: boolean;
  /** Whether it waits for its turn, or its handler has not settled. */
  isInWork: boolean;
  /**
   * A part of the body.
   *
   * @param padding of its frame, which counts against flow control and is read at once
   * @returns whether the peer may have sent it
   */
  received(chunk: Buffer, padding: number): "ok" | "beyond-window" | "beyond-length";
  /** @returns false where the request is shorter than it said */
  completed(): boolean;
  /** All that was written is sent. */
  drained(): void;
  /** The stream is over: answered, or reset by either side, or gone with its connection. */
  closed(): void;
}

/** What the fast path says of a stream. */
export interface FastPathResponder {
  respond(stream: Http2Stream, headers: ResponseHeaders, body: Buffer | string, trailers: ResponseHeaders | undefined): void;
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
  exchange: StreamExchange | undefined;
  /** What of the response waits for a window. */
  unsent: { readonly body: Buffer; readonly end: ResponseEnd } | undefined;
  /** Whether work for it runs on that nobody waits for. */
  isAbandoned = false;
  readonly #responder: FastPathResponder;
  #chunks: Buffer[] | undefined;
  #bytes = 0;

  constructor(id: number, headers: HeaderList, sendWindow: number, responder: FastPathResponder) {
    this.id = id;
    this.headers = headers;
    this.sendWindow = sendWindow;
    this.#responder = responder;
  }

  /** Bytes of the request's body that were gathered for the fast path. */
  get bytes(): number {
    return this.#bytes;
  }

  get chunks(): readonly Buffer[] {
    return this.#chunks ?? [];
  }

  gather(bytes: Buffer): void {
    // A copy: a view would hold on to all that was read with it.
    (this.#chunks ??= []).push(Buffer.from(bytes));
    this.#bytes += bytes.length;
  }

  respond(headers: ResponseHeaders, body: Buffer | string, trailers: ResponseHeaders | undefined): void {
    this.#responder.respond(this, headers, body, trailers);
  }

  released(): void {
    this.#responder.released(this);
  }
}
