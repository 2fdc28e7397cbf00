import type { AnswerHeaders } from "./answer-headers.js";
import type { HeaderList } from "./hpack/header-list.js";

/** Answers calls straight from the frames of their streams. */
export interface Lane {
  /** Who answers a request with these headers and a body; undefined where the lane does not. */
  routeOf(headers: HeaderList): Route | undefined;
}

export interface Route {
  begin(stream: AnswerStream): StreamCall;
}

/** Where an answer goes. */
export interface AnswerStream {
  /** Once for each stream; nothing happens where the caller has gone. */
  respond(headers: AnswerHeaders, body: Buffer, trailers: AnswerHeaders): void;
}

/** One call, as its stream tells of it. */
export interface StreamCall {
  /**
   * The request is whole: answers it, at once or later. Its body lies in `bytes` from `from` to `to`, and is good until
   * this returns.
   *
   * @returns false for what is not for the lane, which somebody else then answers
   */
  answer(bytes: Buffer, from: number, to: number): boolean;
  /** The request did not come at once: it may not take for ever. */
  limitArrival(): void;
  /** Nobody waits for the lane's answer any more. */
  abandon(): void;
}
