import type { Socket } from "node:net";
import type { Logger } from "../../../ports/logger.js";
import type { FairQueue } from "../exchange/fair-queue.js";
import type { HalfSentBudget } from "../exchange/request-body.js";
import type { ConnectionHandlers } from "../exchange/request-handlers.js";
import { type ListenerLimits, whenOld } from "../listener/listener-limits.js";
import { ReadTurns } from "./frames/frame-reader.js";
import { type ConnectionOptions, Http2Connection } from "./http2-connection.js";

/** Between two log lines about connections that exceed their budgets, milliseconds: who can open connections must not fill the log. */
const COMPLAINT_INTERVAL_MS = 60_000;

export interface Http2ConnectionsOptions {
  readonly handlers: ConnectionHandlers;
  readonly limits: ListenerLimits;
  readonly queue: FairQueue;
  readonly budget: HalfSentBudget;
  readonly logger: Logger;
  /** See ConnectionOptions. */
  readonly onTurn: (startedAt: number) => void;
  /** A connection was asked to go, since it sent too many control frames. */
  readonly onExceeded: () => void;
}

/** The HTTP/2 half of a listener. */
export class Http2Connections {
  readonly #options: Http2ConnectionsOptions;
  readonly #connections = new Set<Http2Connection>();
  readonly #turns = new ReadTurns();
  readonly #pinger: NodeJS.Timeout;
  #draining = false;
  #complainedAt = -Infinity;
  #unlogged = 0;

  constructor(options: Http2ConnectionsOptions) {
    this.#options = options;
    // Ends more than peers that are gone: who never finishes a header block, since nothing may come in between, and who
    // has stopped reading.
    this.#pinger = setInterval(() => {
      for (const connection of this.#connections) connection.checkAlive();
    }, options.limits.pingIntervalMs).unref();
  }

  accept(socket: Socket): Http2Connection {
    const { handlers, limits, queue, budget, logger, onTurn } = this.#options;
    // Streams end by frames; a client that ends the connection itself is gone, and nothing else would close our side.
    socket.allowHalfOpen = false;
    const options: ConnectionOptions = {
      handlers,
      limits,
      logger,
      allotment: budget.allotment(limits.maxMessageBytes),
      turns: this.#turns,
      onTurn,
      onExceeded: (what, { address }) => this.#exceeded(what, address),
      onClosed: (closed) => {
        endAge();
        this.#connections.delete(closed);
        queue.remove(closed);
      },
    };
    const connection = new Http2Connection(socket, options);
    const endAge = whenOld(limits, () => connection.drain());
    this.#connections.add(connection);
    if (this.#draining) connection.drain();
    return connection;
  }

  /** Asks every client to go; each connection closes after its last response. */
  drain(): void {
    this.#draining = true;
    for (const connection of this.#connections) connection.drain();
  }

  /** Ends the watch over the clients. */
  stop(): void {
    clearInterval(this.#pinger);
  }

  #exceeded(what: string, address: string): void {
    this.#options.onExceeded();
    const now = performance.now();
    if (now - this.#complainedAt < COMPLAINT_INTERVAL_MS) {
      this.#unlogged++;
      return;
    }
    this.#complainedAt = now;
    const more = this.#unlogged === 0 ? undefined : this.#unlogged;
    this.#unlogged = 0;
    this.#options.logger.warn(
      "an HTTP/2 connection sent too many control frames and is closed once its calls are answered",
      { what, address, more },
    );
  }
}
