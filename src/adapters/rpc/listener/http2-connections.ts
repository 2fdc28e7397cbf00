import { createServer, type Http2Server, type ServerHttp2Session } from "node:http2";
import type { Socket } from "node:net";
import type { Logger } from "../../../ports/logger.js";
import { Http2Connection, type ConnectionOptions } from "../http2/http2-connection.js";
import { NodeSession, type NodeAnswers } from "../http2/node-session.js";
import { MAX_STREAM_ID } from "../http2/protocol.js";
import type { ListenerLimits } from "./listener-limits.js";
import type { RequestHandlers } from "./request-handler.js";

/** The HTTP/2 half: connections whose frames are read here, and Node's server for what the lane does not answer. */
export class Http2Connections {
  readonly #server: Http2Server;
  readonly #logger: Logger;
  readonly #options: ConnectionOptions;
  readonly #connections = new Set<Http2Connection>();
  readonly #pinger: NodeJS.Timeout;
  #draining = false;

  constructor(limits: ListenerLimits, { onRequest, lane }: RequestHandlers, logger: Logger) {
    this.#logger = logger;
    this.#options = {
      lane,
      limits,
      logger,
      openNodeSession: this.#openNodeSession,
      onClosed: (connection) => this.#connections.delete(connection),
    };
    // How many streams there may be is minded by the connection. Node's own bounds hold for what it is passed.
    this.#server = createServer({ settings: { maxConcurrentStreams: MAX_STREAM_ID, maxHeaderListSize: limits.maxHeaderBytes } });
    this.#server.on("request", onRequest);
    this.#server.on("sessionError", (error) => this.#logger.debug("an HTTP/2 session failed", { error }));
    // Ends more than peers that are gone: who never finishes a header block, since nothing may come in between, and who
    // has stopped reading.
    this.#pinger = setInterval(() => {
      for (const connection of this.#connections) connection.checkAlive();
    }, limits.pingIntervalMs).unref();
  }

  accept(socket: Socket): void {
    // Streams end by frames; a client that ends the connection itself is gone, and nothing else would close our side.
    socket.allowHalfOpen = false;
    const connection = new Http2Connection(socket, this.#options);
    this.#connections.add(connection);
    if (this.#draining) connection.drain();
  }

  /** Asks every client to go; each connection closes after its last answer. */
  drain(): void {
    this.#draining = true;
    for (const connection of this.#connections) connection.drain();
  }

  /** Ends the watch over the clients. */
  stop(): void {
    clearInterval(this.#pinger);
  }

  readonly #openNodeSession = (answers: NodeAnswers, initialWindow: number): NodeSession => {
    const node = new NodeSession(answers, initialWindow);
    this.#server.once("session", (session: ServerHttp2Session) => node.once("close", () => session.destroy()));
    this.#server.emit("connection", node);
    return node;
  };
}
