import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Logger } from "../../../ports/logger.js";
import type { Peer } from "../exchange/exchange.js";
import { FairQueue } from "../exchange/fair-queue.js";
import type { HalfSentBudget } from "../exchange/request-body.js";
import type { ConnectionHandlers } from "../exchange/request-handlers.js";
import { type ListenerLimits, whenOld } from "../listener/listener-limits.js";
import { FedSocket, type ReadBefore } from "./fed-socket.js";
import {
  answeredOn,
  grewOld,
  hasBegunItsAnswer,
  type Http1Connection,
  type Http1Socket,
  newConnection,
  serveOnFastPath,
} from "./http1-connection.js";
import { Http1Exchange } from "./http1-exchange.js";
import { PlainRequests } from "./plain-requests.js";
import {
  explainHttp1Fault,
  failResponse,
  NO_PROXY,
  refuseConnection,
  refuseEncoding,
  refuseHosts,
} from "./written-responses.js";

/** Requests of one connection that may wait for their responses; no client library sends a second before the first is answered. */
const MAX_PIPELINED = 100;

/** The HTTP/1.1 half: a server that never listens and is handed its connections. */
export class Http1Connections {
  readonly #server: Server;
  readonly #limits: ListenerLimits;
  readonly #handlers: ConnectionHandlers;
  readonly #budget: HalfSentBudget;
  readonly #logger: Logger;
  readonly #onTurn: (startedAt: number) => void;
  readonly #connections = new Map<Http1Socket, Http1Connection>();
  /** Of Node's parser. */
  readonly #turns = new FairQueue();
  readonly #onAnswered = answeredOn(this.#connections, (socket) => this.#becomeIdle(socket));
  #draining = false;

  constructor(
    limits: ListenerLimits,
    handlers: ConnectionHandlers,
    budget: HalfSentBudget,
    logger: Logger,
    onTurn: (startedAt: number) => void,
  ) {
    this.#logger = logger;
    this.#onTurn = onTurn;
    this.#limits = limits;
    this.#handlers = handlers;
    this.#budget = budget;
    this.#server = createServer({
      maxHeaderSize: limits.maxHeaderBytes,
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      keepAliveTimeout: limits.keepAliveTimeoutMs,
      connectionsCheckingInterval: Math.min(limits.headersTimeoutMs, 5_000),
    });
    this.#server.timeout = limits.stalledTimeoutMs;
    // A client that has ended its side still waits for its answers.
    Object.assign(this.#server, { httpAllowHalfOpen: true });
    this.#server.on("request", this.#serve);
    this.#server.on("connect", this.#refuseTunnel);
    this.#server.on("clientError", this.#refuse);
    // Node enforces the time for headers and for requests from this event on, which listening would have brought.
    this.#server.emit("listening");
  }

  accept(socket: Socket): void {
    const connection = newConnection(socket);
    this.#connections.set(socket, connection);
    const endAge = whenOld(this.#limits, () => grewOld(connection));
    // Node reports no end of the responses that were still waiting for their turn.
    socket.once("close", () => {
      endAge();
      this.#connections.delete(socket);
    });
    const { fastPath } = this.#handlers;
    const handOver = (before: ReadBefore) => this.#handOver(socket, connection, before);
    if (fastPath === undefined) handOver({ rest: Buffer.alloc(0), hasEnded: false });
    else
      connection.plain = new PlainRequests(socket, connection.peer, {
        fastPath,
        handlers: this.#handlers,
        limits: this.#limits,
        logger: this.#logger,
        onTurn: this.#onTurn,
        handOver,
      });
  }

  /**
   * Idle connections close now, the others with their last answer, which says so. Node's own closeIdleConnections
   * takes a connection for idle whose answer is still on its way out.
   */
  drain(): void {
    this.#draining = true;
    for (const [socket, { unanswered, idleAt, plain, fed }] of this.#connections) {
      if (plain !== undefined) {
        // What it has been answered is still on its way out, perhaps.
        if (plain.isIdle) socket.destroySoon();
        else plain.endWithNextAnswer();
        continue;
      }
      const last = [...unanswered].at(-1);
      if (last !== undefined) {
        last.shouldKeepAlive = false;
        // Its headers may be gone already, and have promised to keep the connection.
        last.once("close", () => last.req.socket.destroySoon());
      } else if (socket.bytesRead === idleAt && fed?.hasMore !== true) {
        socket.destroy();
      }
    }
  }

  /** Ends the watch over the time-outs. */
  stop(): void {
    this.#server.close();
  }

  /** Node's parser, and its time-outs, have the connection from now on. */
  #handOver(socket: Socket, connection: Http1Connection, before: ReadBefore): void {
    const fed = new FedSocket(socket, before, this.#turns);
    connection.plain = undefined;
    connection.fed = fed;
    connection.idleAt = fed.hasMore ? undefined : fed.bytesRead;
    this.#connections.delete(socket);
    this.#connections.set(fed, connection);
    fed.once("close", () => this.#connections.delete(fed));
    this.#server.emit("connection", fed);
  }

  readonly #serve = (request: IncomingMessage, response: ServerResponse): void => {
    const connection = this.#connections.get(request.socket);
    // Behind the last one that is answered the connection closes: see below.
    if (connection === undefined) return;
    if (connection.isClosing || connection.unanswered.size >= MAX_PIPELINED) {
      connection.fed?.ignoreRest();
      return;
    }
    connection.isClosing = connection.isOld;
    if (this.#draining || connection.isOld) response.shouldKeepAlive = false;
    connection.unanswered.add(response);
    if (connection.unanswered.size === MAX_PIPELINED) response.shouldKeepAlive = false;
    response.once("close", this.#onAnswered);
    const encoding = request.headers["transfer-encoding"];
    if (encoding !== undefined && encoding.toLowerCase() !== "chunked") {
      refuseEncoding(response, encoding);
      return;
    }
    if (hasSeveralHosts(request.rawHeaders)) {
      connection.isClosing = true;
      refuseHosts(response);
      return;
    }
    try {
      this.#begin(request, response, connection);
    } catch (error) {
      failResponse(response, this.#logger, error);
    }
  };

  #begin(request: IncomingMessage, response: ServerResponse, connection: Http1Connection): void {
    const route = this.#handlers.fastPath?.http1RouteOf(request, connection.peer);
    if (route === undefined) this.#serveExchange(response, connection.peer, []);
    else
      serveOnFastPath(response, route, {
        onTurn: this.#onTurn,
        passOn: (received) => this.#serveExchange(response, connection.peer, received),
        handlers: this.#handlers,
        logger: this.#logger,
      });
  }

  /** @param received what was read of the body before */
  #serveExchange(response: ServerResponse, peer: Peer, received: readonly Buffer[]): void {
    const exchange = new Http1Exchange(response, peer, this.#budget.allotment(this.#limits.maxMessageBytes), received);
    this.#handlers.enqueue(response.req.socket, exchange);
  }

  #becomeIdle(socket: Http1Socket): void {
    const connection = this.#connections.get(socket);
    if (connection === undefined || connection.unanswered.size > 0) return;
    connection.idleAt = socket.bytesRead;
    if (this.#draining) socket.destroySoon();
  }

  /** Node closes without a word where nobody listens, and leaves the socket to whoever does. */
  readonly #refuseTunnel = (_request: IncomingMessage, socket: Duplex): void => {
    socket.on("error", () => socket.destroy());
    const refuse = () => {
      if (socket.writable) refuseConnection(socket, 405, NO_PROXY, this.#limits.refusalTimeoutMs);
    };
    const connection = this.#connections.get(socket as Http1Socket);
    const before = [...(connection?.unanswered ?? [])].at(-1);
    if (before === undefined) refuse();
    else before.once("close", refuse);
  };

  readonly #refuse = (error: Error, socket: Duplex): void => {
    const connection = this.#connections.get(socket as Http1Socket);
    // The parser complains again about everything that follows.
    if (connection?.isRefused === true) return;
    if (connection === undefined || !socket.writable || hasBegunItsAnswer(connection)) {
      socket.destroy();
      return;
    }
    connection.isRefused = true;
    connection.fed?.ignoreRest();
    const { status, explanation } = explainHttp1Fault(error, this.#limits.maxHeaderBytes);
    const refuse = () => {
      // The last answer may have said that it is the last.
      if (socket.writable) refuseConnection(socket, status, explanation, this.#limits.refusalTimeoutMs);
    };
    // What came whole before it is answered first: a report that counts must not look as if it had been lost.
    const before = [...connection.unanswered].findLast(({ req }) => req.complete);
    if (before === undefined) refuse();
    else before.once("close", refuse);
  };
}

/** Node takes the first, where others take the last (RFC 9112, section 3.2). @param headers names and values in turns */
function hasSeveralHosts(headers: readonly string[]): boolean {
  let hosts = 0;
  for (let at = 0; at < headers.length; at += 2)
    if (headers[at]?.length === 4 && headers[at]?.toLowerCase() === "host") hosts++;
  return hosts > 1;
}
