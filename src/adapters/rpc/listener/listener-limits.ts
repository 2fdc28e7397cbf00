import { spread } from "../../../ports/clock.js";

/** What one peer may hold, and for how long. Times are milliseconds above 0, sizes are bytes. */
export interface ListenerLimits {
  /** Connections at a time; more are closed as they come. */
  readonly maxConnections: number;
  /** From the connection to the first bytes that name its protocol; with TLS, to the end of the handshake. */
  readonly firstBytesTimeoutMs: number;
  /** From the first byte of a request to the end of its headers; on HTTP/2, to the client's settings. */
  readonly headersTimeoutMs: number;
  /** From the first byte of an HTTP/1.1 request to its last. Not below headersTimeoutMs. */
  readonly requestTimeoutMs: number;
  /** Between two requests of one HTTP/1.1 connection. */
  readonly keepAliveTimeoutMs: number;
  /** An HTTP/1.1 connection with an answer under way on which nothing moves, for example as its peer reads nothing. */
  readonly stalledTimeoutMs: number;
  /** An HTTP/2 connection is pinged this often, and closed when a ping is still unanswered at the next. */
  readonly pingIntervalMs: number;
  /** After so long, give or take a tenth, a connection is asked to go, so that clients behind a balancer spread again. 0: never. */
  readonly maxConnectionAgeMs: number;
  /** How long a refused client may take to read why, before the connection is gone. */
  readonly refusalTimeoutMs: number;
  /** All headers of a request together. */
  readonly maxHeaderBytes: number;
  /**
   * Requests at a time on one HTTP/2 connection. A client with one connection waits behind it, also with checks
   * that would take no time: it leaves room for as many slow ones as an outage of upstream causes.
   */
  readonly maxConcurrentStreams: number;
  /** The largest message that is read: what a connection may have under way follows from it. */
  readonly maxMessageBytes: number;
}

export const DEFAULT_LISTENER_LIMITS: ListenerLimits = {
  maxConnections: 10_000,
  firstBytesTimeoutMs: 10_000,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  keepAliveTimeoutMs: 75_000,
  stalledTimeoutMs: 300_000,
  pingIntervalMs: 20_000,
  maxConnectionAgeMs: 0,
  refusalTimeoutMs: 1_000,
  maxHeaderBytes: 16 * 1024,
  maxConcurrentStreams: 1_000,
  maxMessageBytes: 4 * 1024 * 1024,
};

/** A longer one would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * Has a connection go once it is old. Each at a time of its own: what connected at once, as after a restart, must not come again at
 * once.
 *
 * @returns ends it
 */
export function whenOld({ maxConnectionAgeMs }: ListenerLimits, go: () => void): () => void {
  if (maxConnectionAgeMs === 0) return () => undefined;
  const timer = setTimeout(go, Math.min(spread(maxConnectionAgeMs, 0.9, 1.1), LONGEST_TIMER_MS)).unref();
  return () => clearTimeout(timer);
}
