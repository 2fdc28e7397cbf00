import {
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { Socket } from "node:net";
import type { Logger } from "../../../ports/logger.js";
import type { ListenerLimits } from "./listener-limits.js";
import type { RequestHandler, RequestHandlers, StreamHandler } from "./request-handler.js";

/** The HTTP/2 half: a server that never listens and is handed its connections. */
export class Http2Connections {
  readonly #server: Http2Server;
  readonly #limits: ListenerLimits;
  readonly #logger: Logger;
  readonly #sessions = new Set<ServerHttp2Session>();
  #draining = false;

  constructor(limits: ListenerLimits, { onRequest, onStream }: RequestHandlers, logger: Logger) {
    this.#limits = limits;
    this.#logger = logger;
    // Node's own bounds hold for resets, rejected streams, invalid frames and unread acknowledgements.
    this.#server = createServer({
      settings: { maxConcurrentStreams: limits.maxConcurrentStreams, maxHeaderListSize: limits.maxHeaderBytes },
    });
    if (onStream === undefined) this.#server.on("request", onRequest);
    else this.#serveStreams(onRequest, onStream);
    this.#server.on("sessionError", (error) => this.#logger.debug("an HTTP/2 connection failed", { error }));
  }

  accept(socket: Socket): void {
    // Streams end by frames; a client that ends the connection itself is gone, and nothing else would close our side.
    socket.allowHalfOpen = false;
    const onSession = (session: ServerHttp2Session) => this.#watch(session, socket);
    this.#server.once("session", onSession);
    this.#server.emit("connection", socket);
    this.#server.off("session", onSession);
  }

  /**
   * Asks every client to go; each connection closes after its last answer. Requests on their way now are not served,
   * and their clients know it by the last stream that GOAWAY names: Node cannot give notice before, as servers may.
   */
  drain(): void {
    this.#draining = true;
    for (const session of this.#sessions) session.close();
  }

  /**
   * A listener for 'request' is what makes a server build a request and a response of every stream. So those that
   * are not taken as streams go to another server, which has the one listener and no connections.
   */
  #serveStreams(onRequest: RequestHandler, onStream: StreamHandler): void {
    const requests = createServer().on("request", onRequest);
    this.#server.on("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, flags: number, rawHeaders: string[]) => {
      if (!onStream(stream, headers, flags)) requests.emit("stream", stream, headers, flags, rawHeaders);
    });
  }

  #watch(session: ServerHttp2Session, socket: Socket): void {
    this.#sessions.add(session);
    const settingsTimer = setTimeout(() => socket.destroy(), this.#limits.headersTimeoutMs);
    session.once("remoteSettings", () => clearTimeout(settingsTimer));

    // Ends more than peers that are gone: who never finishes a header block, since nothing may come in between; who
    // has stopped reading, which keeps even a destroyed session's socket open; and, on Node 20, whose session nghttp2
    // has ended for breaking the protocol or for a flood of resets, which Node then leaves open and deaf.
    let answered = true;
    const pinger = setInterval(() => {
      if (session.destroyed || !answered) socket.destroy();
      else answered = !session.ping(() => (answered = true));
    }, this.#limits.pingIntervalMs).unref();

    session.once("close", () => {
      this.#sessions.delete(session);
      clearTimeout(settingsTimer);
      clearInterval(pinger);
    });
    // Its first request was under way when the drain began.
    if (this.#draining) session.once("stream", () => session.close());
  }
}
