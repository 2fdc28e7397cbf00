import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { explainHttp1Fault } from "./explain-http1-fault.js";
import type { ListenerLimits } from "./listener-limits.js";
import { refuseConnection } from "./refuse-connection.js";
import type { RequestHandler } from "./request-handler.js";

/** The HTTP/1.1 half: a server that never listens and is handed its connections. */
export class Http1Connections {
  readonly #server: Server;
  readonly #limits: ListenerLimits;
  readonly #onRequest: RequestHandler;
  /** By connection, in the order in which they will be answered. */
  readonly #unanswered = new Map<Duplex, Set<ServerResponse>>();
  readonly #forgetWhenClosed = forgetFrom(this.#unanswered);
  readonly #refused = new WeakSet<Duplex>();
  #draining = false;

  constructor(limits: ListenerLimits, onRequest: RequestHandler) {
    this.#limits = limits;
    this.#onRequest = onRequest;
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
    this.#server.on("clientError", this.#refuse);
    // Node enforces the time for headers and for requests from this event on, which listening would have brought.
    this.#server.emit("listening");
  }

  accept(socket: Socket): void {
    this.#unanswered.set(socket, new Set());
    // Node tells of no end for the responses that were still waiting for their turn.
    socket.once("close", () => this.#unanswered.delete(socket));
    this.#server.emit("connection", socket);
  }

  /** Idle connections close now, the others with their last answer, which says so. */
  drain(): void {
    this.#draining = true;
    const closeIdle = () => this.#server.closeIdleConnections();
    for (const responses of this.#unanswered.values()) {
      const last = [...responses].at(-1);
      if (last === undefined) continue;
      last.shouldKeepAlive = false;
      // Its headers may be gone already, and have promised to keep the connection.
      last.once("close", closeIdle);
    }
    closeIdle();
  }

  /** Ends the watch over the time-outs. */
  stop(): void {
    this.#server.close();
  }

  readonly #serve = (request: IncomingMessage, response: ServerResponse): void => {
    if (this.#draining) response.shouldKeepAlive = false;
    this.#unanswered.get(request.socket)?.add(response);
    response.once("close", this.#forgetWhenClosed);
    this.#onRequest(request, response);
  };

  readonly #refuse = (error: Error, socket: Duplex): void => {
    // The parser complains again about everything that follows.
    if (this.#refused.has(socket)) return;
    this.#refused.add(socket);
    if (!socket.writable || this.#wouldMisattribute(socket)) {
      socket.destroy();
      return;
    }
    const { status, explanation } = explainHttp1Fault(error, this.#limits.maxHeaderBytes);
    refuseConnection(socket, status, explanation, this.#limits.refusalTimeoutMs);
  };

  /** Whether the client would take a refusal for the answer, or for a part of the answer, to an earlier request. */
  #wouldMisattribute(socket: Duplex): boolean {
    for (const response of this.#unanswered.get(socket) ?? []) {
      if (response.headersSent || response.req.complete) return true;
    }
    return false;
  }
}

/** One listener for all responses, told by `this` which it is: requests pay for no closure. */
function forgetFrom(unanswered: ReadonlyMap<Duplex, Set<ServerResponse>>) {
  return function (this: ServerResponse): void {
    unanswered.get(this.req.socket)?.delete(this);
  };
}
