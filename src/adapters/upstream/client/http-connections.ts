import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { Dispatcher } from "undici";
import Client from "undici/lib/dispatcher/client.js";
import { type ProxiedConnections, proxiedConnectionsTo } from "../../outbound/proxy.js";

/** Idle connections kept for later requests. */
const MAX_IDLE = 64;
/** The longest time of a timer, milliseconds: an idle connection is kept for as long as the server does. */
const FOR_EVER_MS = 2 ** 31 - 1;
/** How much earlier than the server says an idle connection is given up, milliseconds: what is sent later may cross its end. */
const EARLIER_MS = 1_000;
/** After how long a quiet connection is asked whether it is still there, milliseconds. */
const QUIET_MS = 1_000;

type OnConnected = (...result: [error: null, socket: Socket] | [error: Error, socket: null]) => void;

/** Connections to one server, each for one request at a time. As many as are asked for; those that idle are used again. */
export class HttpConnections {
  readonly #base: URL;
  readonly #proxied: ProxiedConnections | undefined;
  /** The one that was used last is last, and is used next. */
  readonly #idle: HttpConnection[] = [];
  readonly #all = new Set<HttpConnection>();
  /** Of TLS, by which the next connection begins faster. */
  #session: Buffer | undefined;

  /** @param base http or https */
  constructor(base: URL) {
    this.#base = base;
    this.#proxied = proxiedConnectionsTo(base);
  }

  /** Sends a request. Nothing bounds its time; the connection has to be released, or ended. */
  send(request: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): HttpConnection {
    const connection = this.#idle.pop() ?? this.#open();
    connection.isReused = connection.isIdle;
    connection.isIdle = false;
    connection.client.dispatch(request, handler);
    return connection;
  }

  /** After an answer was read to its end. */
  release(connection: HttpConnection): void {
    if (this.#idle.length >= MAX_IDLE) {
      this.end(connection);
      return;
    }
    connection.isIdle = true;
    this.#idle.push(connection);
  }

  /** Whatever is under way on it. */
  end(connection: HttpConnection): void {
    this.#all.delete(connection);
    connection.end();
  }

  endIdle(): void {
    for (const connection of this.#idle.splice(0)) this.end(connection);
  }

  endAll(): void {
    this.#idle.length = 0;
    for (const connection of this.#all) this.end(connection);
  }

  #open(): HttpConnection {
    const connection: HttpConnection = new HttpConnection(this.#base.origin, (onConnected) =>
      this.#connect(connection, onConnected),
    );
    this.#all.add(connection);
    connection.client.on("disconnect", () => {
      if (!connection.isIdle) return;
      const at = this.#idle.indexOf(connection);
      if (at >= 0) this.#idle.splice(at, 1);
      this.end(connection);
    });
    return connection;
  }

  #connect(connection: HttpConnection, onConnected: OnConnected): void {
    const { protocol, port, hostname } = this.#base;
    const isSecure = protocol === "https:";
    const host = hostname.replace(/^\[|\]$/g, "");
    const target = { host, port: Number(port) || (isSecure ? 443 : 80) };
    if (this.#proxied !== undefined) {
      this.#proxied(target, isSecure).then(
        (socket) => {
          if (isSecure) connection.use(socket, "secureConnect", onConnected);
          else connection.connected(socket, onConnected);
        },
        (error: unknown) => onConnected(error instanceof Error ? error : new Error(String(error)), null),
      );
      return;
    }
    if (!isSecure) {
      connection.use(connectTcp(target), "connect", onConnected);
      return;
    }
    const servername = isIP(host) === 0 ? host : "";
    const socket = connectTls({ ...target, servername, session: this.#session, ALPNProtocols: ["http/1.1"] });
    socket.on("session", (session) => (this.#session = session));
    connection.use(socket, "secureConnect", (...result) => {
      if (result[0] !== null) this.#session = undefined;
      onConnected(...result);
    });
  }
}

/** One request at a time, over a connection that is opened once it is needed, and anew where the server has closed it. */
export class HttpConnection {
  readonly client: Client;
  isIdle = false;
  /** Whether a request was answered on it before the one that is under way. */
  isReused = false;
  #hasEnded = false;
  #socket: Socket | undefined;

  constructor(origin: string, connect: (onConnected: OnConnected) => void) {
    this.client = new Client(origin, {
      connect: (_, onConnected) => connect(onConnected),
      pipelining: 1,
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: FOR_EVER_MS,
      keepAliveMaxTimeout: FOR_EVER_MS,
      keepAliveTimeoutThreshold: EARLIER_MS,
    });
  }

  /** Waits for a socket to be connected. */
  use(socket: Socket, event: "connect" | "secureConnect", onConnected: OnConnected): void {
    this.#socket = socket;
    const onError = (error: Error) => onConnected(error, null);
    socket.once("error", onError);
    socket.once(event, () => {
      socket.off("error", onError);
      this.connected(socket, onConnected);
    });
    if (this.#hasEnded) socket.destroy();
  }

  connected(socket: Socket, onConnected: OnConnected): void {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.setKeepAlive(true, QUIET_MS);
    onConnected(null, socket);
  }

  end(): void {
    this.#hasEnded = true;
    void this.client.destroy();
    // The client knows of none before it is connected.
    this.#socket?.destroy();
  }
}
