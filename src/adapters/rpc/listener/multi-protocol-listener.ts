import { once } from "node:events";
import type { AddressInfo, Server, Socket } from "node:net";
import { CodedError } from "../../../domain/errors.js";
import type { LogFields, Logger } from "../../../ports/logger.js";
import { FairQueue } from "../exchange/fair-queue.js";
import { HalfSentBudget } from "../exchange/request-body.js";
import { inTurns, type RequestHandlers } from "../exchange/request-handlers.js";
import { Http1Connections } from "../http1/http1-connections.js";
import { Http2Connections } from "../http2/http2-connections.js";
import { type AcceptConnection, createCleartextFront, createTlsFront, type Front, ignoreError } from "./fronts.js";
import { DEFAULT_LISTENER_LIMITS, type ListenerLimits } from "./listener-limits.js";
import type { TlsFiles, TlsMaterial } from "./tls-material.js";

export interface ListenerOptions extends RequestHandlers {
  /** Serves TLS, following these files, or with this certificate; without it, cleartext. */
  readonly tls?: TlsFiles | TlsMaterial | undefined;
  readonly limits?: Partial<ListenerLimits> | undefined;
  readonly logger: Logger;
  /** All that one read of a connection brought is dealt with. @param startedAt of `performance.now()` */
  readonly onTurn?: ((startedAt: number) => void) | undefined;
  /** A connection was asked to go, since it sent too many frames that are no part of a call. */
  readonly onExceeded?: (() => void) | undefined;
  /** A certificate is in use from now on. @param expiresAt epoch milliseconds */
  readonly onCertificate?: ((expiresAt: number) => void) | undefined;
}

/** HTTP/1.1 and HTTP/2 on one port, both answered by the same handlers. */
export class MultiProtocolListener {
  readonly #front: Front;
  readonly #http1: Http1Connections;
  readonly #http2: Http2Connections;
  readonly #sockets = new OpenSockets();
  readonly #logger: Logger;
  readonly #maxConnections: number;
  #complainedAt = -Infinity;
  #drained: Promise<void> | undefined;

  constructor({
    onExchange,
    fastPath,
    whenLate,
    tls,
    limits: given,
    logger,
    onTurn = ignore,
    onExceeded = ignore,
    onCertificate = ignore,
  }: ListenerOptions) {
    const limits = { ...DEFAULT_LISTENER_LIMITS, ...given };
    const queue = new FairQueue();
    const budget = new HalfSentBudget();
    const handlers = inTurns({ onExchange, fastPath, whenLate }, queue, logger);
    this.#logger = logger;
    this.#maxConnections = limits.maxConnections;
    this.#http1 = new Http1Connections(limits, handlers, budget, logger, onTurn);
    this.#http2 = new Http2Connections({ handlers, limits, queue, budget, logger, onTurn, onExceeded });
    const accept: AcceptConnection = (socket, protocol) =>
      (protocol === "http1" ? this.#http1 : this.#http2).accept(socket);
    this.#front =
      tls === undefined
        ? createCleartextFront(accept, limits)
        : createTlsFront(accept, tls, limits, logger, onCertificate);
    this.#watch(this.#front.server, limits);
  }

  /**
   * @param port 0 for any that is free
   * @param host an address of this machine; without it, all of them
   * @throws CodedError `failed-precondition` when the port cannot be had; `invalid-argument` for TLS files that cannot serve
   */
  async listen(port: number, host?: string): Promise<AddressInfo> {
    await this.#front.prepare();
    const { server } = this.#front;
    try {
      // Node's own is 511: a burst of more while the event loop is busy, as when all callers connect again, would be dropped by the kernel.
      server.listen({ port, host, backlog: this.#maxConnections });
      await once(server, "listening");
    } catch (cause) {
      this.#front.release();
      const reason = cause instanceof Error ? cause.message : String(cause);
      const message = `cannot listen on ${host ?? "all addresses"}, port ${port} (${reason}): choose another`;
      throw new CodedError("failed-precondition", message, { cause });
    }
    return server.address() as AddressInfo;
  }

  /**
   * Accepts nothing any more, asks every client to go, lets requests under way finish, and settles when every
   * connection is closed: after `graceMs` by force. A second call waits for the first.
   */
  drain(graceMs: number): Promise<void> {
    this.#drained ??= this.#drain(graceMs);
    return this.#drained;
  }

  /** Open connections, also those that have sent nothing yet. */
  connections(): number {
    return this.#sockets.count;
  }

  async #drain(graceMs: number): Promise<void> {
    this.#front.server.close();
    this.#front.release();
    this.#sockets.destroySilent();
    this.#http1.drain();
    this.#http2.drain();
    await this.#sockets.closed(graceMs);
    this.#http1.stop();
    this.#http2.stop();
  }

  #watch(server: Server, limits: ListenerLimits): void {
    server.maxConnections = limits.maxConnections;
    // First of all listeners: nothing may happen to a socket that nobody tracks, or whose errors nobody hears.
    server.prependListener("connection", (socket) => {
      socket.on("error", ignoreError);
      this.#sockets.add(socket);
    });
    server.on("drop", () =>
      this.#complain("connections are refused: there are as many as there may be", { limit: limits.maxConnections }),
    );
    server.on("error", (error) => {
      if (server.listening) this.#complain("a connection could not be accepted", { error });
    });
  }

  /** Seldom: who can open connections must not fill the log. */
  #complain(message: string, fields: LogFields): void {
    const now = performance.now();
    if (now - this.#complainedAt < COMPLAINT_INTERVAL_MS) return;
    this.#complainedAt = now;
    this.#logger.warn(message, fields);
  }
}

const COMPLAINT_INTERVAL_MS = 60_000;

function ignore(): void {
  // Nobody listens.
}

/**
 * Every connection there is. Neither server can be asked to end them all: destroying an HTTP/2 session, for one,
 * does not free the socket of a peer that never reads.
 */
class OpenSockets {
  readonly #sockets = new Set<Socket>();
  #whenEmpty: (() => void) | undefined;

  get count(): number {
    return this.#sockets.size;
  }

  add(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once("close", () => {
      this.#sockets.delete(socket);
      if (this.#sockets.size === 0) this.#whenEmpty?.();
    });
  }

  /** Ends the connections that never sent a byte: nothing of theirs is under way. */
  destroySilent(): void {
    for (const socket of this.#sockets) if (socket.bytesRead === 0) socket.destroy();
  }

  /** Settles when all are closed: by themselves within `graceMs`, destroyed after that. */
  async closed(graceMs: number): Promise<void> {
    if (this.#sockets.size === 0) return;
    const empty = new Promise<void>((resolve) => (this.#whenEmpty = resolve));
    const timer = setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy();
    }, graceMs);
    await empty;
    clearTimeout(timer);
  }
}
