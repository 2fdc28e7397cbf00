import type { IncomingMessage } from "node:http";
import { CodedError } from "../../../domain/errors.js";
import type { Logger } from "../../../ports/logger.js";
import type { HeaderList } from "../http2/hpack/header-table.js";
import type { Exchange, ExchangeHandler, Peer, QueuedExchange, ResponseHeaders } from "./exchange.js";
import type { FairQueue } from "./fair-queue.js";

/** What answers whatever comes in on a port. */
export interface RequestHandlers {
  readonly onExchange: ExchangeHandler;
  /** Asked first. */
  readonly fastPath?: FastPath | undefined;
  /** Default: after 30 seconds. */
  readonly whenLate?: WhenLate | undefined;
}

/** Calls back, with why it fails, once a request over HTTP/2 has taken too long to arrive. @returns ends that */
export type WhenLate = (fail: (error: Error) => void) => () => void;

/** The same as the connections of a listener have it. */
export interface ConnectionHandlers {
  readonly fastPath: FastPath | undefined;
  readonly whenLate: WhenLate;
  /** Serves an exchange in its connection's turn. */
  enqueue(connection: object, exchange: QueuedExchange): void;
  /** `call.answer` of a call that is dear, unless this turn of the event loop is used up. @returns "later": it is to wait for its turn */
  answerDear(call: FastPathCall, bytes: Buffer, from: number, to: number): boolean | "later";
  /** Calls back in the connection's turn. @param job see FairQueue */
  inTurn(connection: object, job: () => boolean): void;
}

/** What it may take until a request is complete. */
export const DEFAULT_BODY_TIMEOUT_MS = 30_000;

const BUSY = [
  ["content-type", "text/plain; charset=utf-8"],
  ["retry-after", "1"],
] as const;

/** Takes turns between the connections, and lets a failure of the handler cost the one request and not the process. */
export function inTurns(
  { onExchange, fastPath, whenLate = afterDefaultTime }: RequestHandlers,
  queue: FairQueue,
  logger: Logger,
): ConnectionHandlers {
  const work = new WorkInProgress();

  async function serve(exchange: Exchange): Promise<void> {
    try {
      await onExchange(exchange);
    } catch (error) {
      // A caller who hangs up while its request is read is no failure.
      if (exchange.isClosed) return;
      logger.error("unexpected error in a request handler", { method: exchange.method, error });
      if (exchange.hasResponded) exchange.abort();
      else exchange.send(500, [], "");
    }
  }
  return {
    fastPath,
    whenLate,
    answerDear(call, bytes, from, to) {
      if (!queue.hasTime) return "later";
      const startedAt = performance.now();
      const isServed = call.answer(bytes, from, to);
      queue.spent(performance.now() - startedAt);
      return isServed;
    },
    inTurn: (connection, job) => queue.add(connection, job),
    enqueue: (connection, exchange) =>
      queue.add(connection, () => {
        exchange.begun();
        // Reset before its turn: it costs nothing.
        if (exchange.isClosed) {
          exchange.done();
          return false;
        }
        if (!work.begin(connection)) {
          exchange.send(
            503,
            BUSY,
            "very many calls are under way that take long: try again, or use fewer streams at a time\n",
          );
          exchange.done();
          return true;
        }
        void serve(exchange).then(() => {
          work.end(connection);
          exchange.done();
        });
        return true;
      }),
  };
}

function afterDefaultTime(fail: (error: Error) => void): () => void {
  const timer = setTimeout(
    () => fail(new CodedError("deadline-exceeded", "the request did not arrive in time: send it at once")),
    DEFAULT_BODY_TIMEOUT_MS,
  );
  return () => clearTimeout(timer);
}

/** Calls off the fast path that are served at a time. Each holds some 30 kB, a stream of answers for as long as its caller likes. */
const MAX_CALLS = 1_000;
/** From then on, only connections with few of them begin more. */
const FEW = 10;
const MAX_CALLS_OF_ALL = 1_500;

export interface WorkBounds {
  readonly most: number;
  /** From `most` on, only owners with fewer than this begin more. */
  readonly few: number;
  readonly mostOfAll: number;
}

/** Bounds what is under way in the process, so that who has much of it leaves room for who has little. */
export class WorkInProgress {
  readonly #bounds: WorkBounds;
  #calls = 0;
  readonly #callsOf = new Map<object, number>();

  /** By default, calls off the fast path. */
  constructor(bounds: WorkBounds = { most: MAX_CALLS, few: FEW, mostOfAll: MAX_CALLS_OF_ALL }) {
    this.#bounds = bounds;
  }

  hasRoom(connection: object): boolean {
    const { most, few, mostOfAll } = this.#bounds;
    return this.#calls < (this.#of(connection) < few ? mostOfAll : most);
  }

  /** @returns false where there are too many: the call is not to be served */
  begin(connection: object): boolean {
    if (!this.hasRoom(connection)) return false;
    this.#calls++;
    this.#callsOf.set(connection, this.#of(connection) + 1);
    return true;
  }

  /** A call that has begun is over. */
  end(connection: object): void {
    this.#calls--;
    const own = this.#of(connection) - 1;
    if (own > 0) this.#callsOf.set(connection, own);
    else this.#callsOf.delete(connection);
  }

  #of(connection: object): number {
    return this.#callsOf.get(connection) ?? 0;
  }
}

/** A request of the fast path is a few hundred bytes; a longer one is the general path's, which minds how much a peer may send. */
export const MAX_FAST_BYTES = 16_384;

/** A dear request of the fast path that is longer does not wait there: what is held of those on the general path is bounded. */
export const MAX_WAITING_BYTES = 1_024;

/** In the log, of a fault of ours that nobody foresaw. */
export const UNEXPECTED = "unexpected error in a call";

/** Answers small unary calls straight from their frames: no promise, no stream object and no copy for a cached check. */
export interface FastPath {
  /** Who answers a request over HTTP/2 with these headers and a body; undefined where the general path does. */
  http2RouteOf(headers: HeaderList, peer: Peer): Route | undefined;
  /** The same over HTTP/1.1. */
  http1RouteOf(request: Http1Head, peer: Peer): Route | undefined;
}

/** What node:http tells of a request. */
export type Http1Head = Pick<IncomingMessage, "method" | "url" | "headers">;

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
  /** Whether what it costs grows with what is asked for: such calls take turns. */
  readonly isDear: boolean;
  /** The request is complete, and waits for its turn to be answered. */
  wait(): void;
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
