import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { GRAPHQL_PATH, jsonAnswer, type RequestTarget, sendAnswer, targetOf } from "./http-answer.js";

/** Longer than clients keep idle connections, so that none of them sends a request into one that is being closed. */
const KEEP_ALIVE_MS = 120_000;

/** One interface: undefined where the request is none of its own. */
export type HttpHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  target: RequestTarget,
) => Promise<void> | undefined;

export interface EmulatorServerOptions {
  readonly handlers: readonly HttpHandler[];
  /** Takes over the socket of a request to become a WebSocket. */
  readonly upgrade: (request: IncomingMessage, socket: Socket, head: Buffer) => void;
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
}

/** All interfaces on one port. It can go down, taking every connection with it, and come back at the same port. */
export class EmulatorServer {
  readonly #server: Server;
  readonly #handlers: readonly HttpHandler[];
  readonly #sockets = new Set<Socket>();
  readonly #host: string;
  #port: number;

  constructor({ handlers, upgrade, host, port }: EmulatorServerOptions) {
    this.#handlers = handlers;
    this.#host = host;
    this.#port = port;
    this.#server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS });
    this.#server.on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
    this.#server.on("request", (request, response) => {
      this.#handle(request, response).catch(() => response.destroy());
    });
    this.#server.on("upgrade", (request: IncomingMessage, socket: Socket, head: Buffer) => {
      if (targetOf(request).path === GRAPHQL_PATH) upgrade(request, socket, head);
      else socket.end("HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
    });
  }

  get port(): number {
    return this.#port;
  }

  /** @throws Error as node:net gives it, for example with code EADDRINUSE */
  async comeUp(): Promise<void> {
    if (this.#server.listening) return;
    this.#server.listen(this.#port, this.#host);
    await once(this.#server, "listening");
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  async goDown(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const target = targetOf(request);
    for (const handler of this.#handlers) {
      const handled = handler(request, response, target);
      if (handled !== undefined) return handled;
    }
    const error = `There is nothing at ${request.method ?? "?"} ${target.path}. There is POST ${GRAPHQL_PATH}, GET /v1/c/{customerId}/entitlements-state.json and entitlements.json, GET /v1/config/server-sdk-configuration.json, and a WebSocket at ${GRAPHQL_PATH}.`;
    sendAnswer(response, jsonAnswer(404, { error }));
  }
}
