import type { FastPathCall, FastPathStream } from "../../exchange/fast-path.js";
import { GatheredBytes } from "../../exchange/gathered-bytes.js";
import type { ResponseHeaders } from "../../exchange/response-headers.js";
import type { HeaderList } from "../hpack/header.js";
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
