import { once } from "node:events";
import type { AddressInfo, Server } from "node:net";
import { CodedError } from "../../../domain/errors.js";
import type { LogFields, Logger } from "../../../ports/logger.js";
import { createCleartextFront } from "./cleartext-front.js";
import { ignoreError, type Front } from "./front.js";
import { Http1Connections } from "./http1-connections.js";
import { Http2Connections } from "./http2-connections.js";
import { DEFAULT_LISTENER_LIMITS, type ListenerLimits } from "./listener-limits.js";
import { OpenSockets } from "./open-sockets.js";
import { contained, type RequestHandlers } from "./request-handler.js";
import { createTlsFront } from "./tls-front.js";
import type { TlsFiles } from "./tls-material.js";

export interface OnePortListenerOptions extends RequestHandlers {
  /** Serves TLS, following these files; without it, cleartext. */
  readonly tls?: TlsFiles | undefined;
  readonly limits?: Partial<ListenerLimits> | undefined;
  readonly logger: Logger;
}

/** HTTP/1.1 and HTTP/2 on one port, both answered by the same handler. */
export interface OnePortListener {
  /**
   * @param port 0 for any that is free
   * @param host an address of this machine; without it, all of them
   * @throws CodedError `failed-precondition` when the port cannot be had; `invalid-argument` for TLS files that cannot serve
   */
  listen(port: number, host?: string): Promise<AddressInfo>;
  /**
   * Accepts nothing any more, asks every client to go, lets requests under way finish, and settles when every
   * connection is closed: after `graceMs` by force. A second call waits for the first.
   */
  drain(graceMs: number): Promise<void>;
  /** Open connections, also those that have said nothing yet. */
  connections(): number;
}

export function createOnePortListener(options: OnePortListenerOptions): OnePortListener {
  return new OnePort(options);
}

const COMPLAINT_INTERVAL_MS = 60_000;

class OnePort implements OnePortListener {
  readonly #front: Front;
  readonly #http1: Http1Connections;
  readonly #http2: Http2Connections;
  readonly #sockets = new OpenSockets();
  readonly #logger: Logger;
  #complainedAt = -Infinity;
  #drained: Promise<void> | undefined;

  constructor({ onRequest, lane, tls, limits: given, logger }: OnePortListenerOptions) {
    const limits = { ...DEFAULT_LISTENER_LIMITS, ...given };
    const handlers: RequestHandlers = { onRequest: contained(onRequest, logger), lane };
    this.#logger = logger;
    this.#http1 = new Http1Connections(limits, handlers.onRequest);
    this.#http2 = new Http2Connections(limits, handlers, logger);
    const protocols = { http1: this.#http1, http2: this.#http2 };
    this.#front =
      tls === undefined ? createCleartextFront(protocols, limits) : createTlsFront(protocols, tls, limits, logger);
    this.#watch(this.#front.server, limits);
  }

  async listen(port: number, host?: string): Promise<AddressInfo> {
    await this.#front.prepare();
    const { server } = this.#front;
    try {
      server.listen({ port, host });
      await once(server, "listening");
    } catch (cause) {
      this.#front.release();
      const reason = cause instanceof Error ? cause.message : String(cause);
      const message = `cannot listen on ${host ?? "all addresses"}, port ${port} (${reason}): choose another`;
      throw new CodedError("failed-precondition", message, { cause });
    }
    return server.address() as AddressInfo;
  }

  drain(graceMs: number): Promise<void> {
    this.#drained ??= this.#drain(graceMs);
    return this.#drained;
  }

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
    server.on("drop", () => this.#complain("connections are refused: there are as many as there may be", { limit: limits.maxConnections }));
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
