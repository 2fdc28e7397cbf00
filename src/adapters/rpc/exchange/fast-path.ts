import type { IncomingMessage } from "node:http";
import type { HeaderList } from "../http2/hpack/header.js";
import type { Peer, ResponseHeaders } from "./exchange.js";

/** Answers small unary calls straight from their frames: no promise, no stream object and no copy for a cached check. */
export interface FastPath {
  /** Who answers a request over HTTP/2 with these headers and a body; undefined where the general path does. */
  http2RouteOf(headers: HeaderList, peer: Peer): Route | undefined;
  /** The same over HTTP/1.1. */
  http1RouteOf(request: IncomingMessage, peer: Peer): Route | undefined;
}

/** All requests with the same headers. */
export interface Route {
  begin(stream: FastPathStream): FastPathCall;
}

/** Where the response of one call goes, whatever the HTTP version. */
export interface FastPathStream {
  /**
   * Once for each stream; nothing happens where the caller has gone.
   *
   * @param trailers undefined where the protocol ends a response with its body
   */
  respond(headers: ResponseHeaders, body: Buffer | string, trailers: ResponseHeaders | undefined): void;
  /** The work for a call that was abandoned has come to its end. */
  released(): void;
}

/** One call, as its stream drives it. */
export interface FastPathCall {
  /**
   * The request is complete: answers it, at once or later. Its body lies in `bytes` from `from` to `to`, and is good until
   * this returns.
   *
   * @returns false for what the fast path does not serve, which the general path then answers
   */
  answer(bytes: Buffer, from: number, to: number): boolean;
  /** The request did not come at once: starts the timeout of its body. */
  limitArrival(): void;
  /**
   * Nobody waits for the response any more, or the general path answers.
   *
   * @returns whether work for it still runs, whose end `released` reports
   */
  abandon(): boolean;
}
