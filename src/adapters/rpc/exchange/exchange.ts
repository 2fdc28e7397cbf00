import type { Peer } from "./peer.js";
import type { HeaderField } from "./response-headers.js";

/** One request and its response, whatever the HTTP version. */
export interface Exchange {
  readonly httpVersion: "1.1" | "2.0";
  readonly method: string;
  /** Path and query, as they were sent. */
  readonly target: string;
  /** The host that the request names; undefined where it names none. */
  readonly authority: string | undefined;
  readonly peer: Peer;
  /** Regular headers with names in lower case, in the order of their first occurrence. */
  readonly headers: readonly HeaderField[];
  /** The request's body, under flow control. Reading stops for good at the first return of its iterator. */
  readonly body: AsyncIterable<Uint8Array>;
  /** Aborts when the caller goes away. Made when it is first asked for. */
  readonly signal: AbortSignal;
  /** Whether nobody waits for the response any more. */
  readonly isClosed: boolean;
  /** Whether the response has begun. */
  readonly hasResponded: boolean;

  /** The value of a header, its name in lower case. */
  header(name: string): string | undefined;
  /** Of a stream in both directions, whose body is as long as the call: what was read counts no more as half-sent. */
  releaseBodyAsRead(): void;
  /** @param isEnd whether nothing follows, not even trailers */
  respond(status: number, headers: readonly HeaderField[], isEnd: boolean): void;
  /** @returns false where nobody waits any more, or the response has ended; resolves when there is room for more */
  write(chunk: Uint8Array): boolean | Promise<boolean>;
  /** Nothing where the response has ended already. */
  end(trailers: readonly HeaderField[]): void;
  /** A complete response with a body, which is left out where the method is HEAD. */
  send(status: number, headers: readonly HeaderField[], body: string): void;
  /** Cuts the response off. */
  abort(): void;
}

/** An exchange that waits for its turn, and learns what becomes of it. */
export interface QueuedExchange extends Exchange {
  /** Its turn has come. */
  begun(): void;
  /** The work for it has come to its end; also where nobody waited for it. */
  done(): void;
}

/**
 * Serves an exchange, and settles when the work for it is done. Called in its connection's turn; it must not reject, and owns
 * its own failures.
 */
export type ExchangeHandler = (exchange: Exchange) => Promise<void>;
