import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";

interface Message {
  readonly id?: string;
  readonly type: string;
  readonly payload?: {
    readonly operationName?: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly query?: string;
  };
}

/** How the server meets its client; what is not said is as it should be. */
export interface Behaviour {
  upgrade?: "hang" | number;
  init?: "hang" | { readonly code: number; readonly reason: string };
  /** By the name of the subscription. */
  subscribe?: Readonly<Record<string, "complete" | { readonly message: string; readonly extensions?: object }>>;
  /** Nothing is answered any more, though the connection stays open. */
  isSilent?: boolean;
}

/** Something that has happened at the server. */
export type Happening = "upgrade" | "init" | "ping" | `subscribe ${string}` | "close";

/** A server of graphql-transport-ws on a real port, whose behaviour a test can change at any time. */
export class StreamServer {
  readonly behaviour: Behaviour = {};
  readonly happened: Happening[] = [];
  readonly initPayloads: Message["payload"][] = [];
  readonly queries = new Map<string, string>();
  readonly #waiting = new Set<() => void>();
  readonly #subscriptions = new Map<string, { readonly socket: WebSocket; readonly id: string }>();
  readonly #sockets = new Set<Duplex>();
  #port = 0;
  #http: Server | undefined;
  #ws: WebSocketServer | undefined;

  async start(): Promise<void> {
    const http = createServer();
    const ws = new WebSocketServer({
      noServer: true,
      handleProtocols: (offered) => offered.has("graphql-transport-ws") && "graphql-transport-ws",
    });
    http.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
    });
    http.on("upgrade", (request, socket, head) => {
      this.#tell("upgrade");
      const { upgrade } = this.behaviour;
      if (upgrade === undefined && request.url === "/graphql")
        ws.handleUpgrade(request, socket, head, (client) => this.#serve(client));
      else if (upgrade !== "hang") socket.end(`HTTP/1.1 ${upgrade ?? 404} No\r\ncontent-length: 0\r\n\r\n`);
    });
    await new Promise<void>((resolve) => http.listen(this.#port, "127.0.0.1", resolve));
    this.#port = (http.address() as AddressInfo).port;
    this.#http = http;
    this.#ws = ws;
  }

  get url(): string {
    return `ws://127.0.0.1:${this.#port}`;
  }

  /** Breaks all connections without a word; new ones are refused until it starts again, on the same port. */
  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#http?.close(resolve) ?? resolve(undefined));
  }

  closeAll(code: number, reason: string): void {
    for (const client of this.#ws?.clients ?? []) client.close(code, reason);
  }

  sendRaw(text: string): void {
    for (const client of this.#ws?.clients ?? []) client.send(text);
  }

  /** Sends an event; `payload` is the whole result: {data: …}. */
  send(name: string, payload: unknown): void {
    const subscription = this.#subscriptions.get(name);
    if (subscription === undefined) throw new Error(`nobody subscribed to ${name}`);
    subscription.socket.send(JSON.stringify({ id: subscription.id, type: "next", payload }));
  }

  complete(name: string): void {
    const subscription = this.#subscriptions.get(name);
    subscription?.socket.send(JSON.stringify({ id: subscription.id, type: "complete" }));
  }

  refuse(name: string, message: string): void {
    const subscription = this.#subscriptions.get(name);
    subscription?.socket.send(JSON.stringify({ id: subscription.id, type: "error", payload: [{ message }] }));
  }

  count(what: Happening): number {
    return this.happened.filter((happening) => happening === what).length;
  }

  /** Resolves once something has happened that many times. */
  until(what: Happening, times = 1): Promise<void> {
    return new Promise((resolve) => {
      const check = () => {
        if (this.count(what) < times) return;
        this.#waiting.delete(check);
        resolve();
      };
      this.#waiting.add(check);
      check();
    });
  }

  #serve(client: WebSocket): void {
    client.on("message", (data) => this.#answer(client, JSON.parse((data as Buffer).toString("utf8")) as Message));
    client.on("close", () => this.#tell("close"));
  }

  #answer(client: WebSocket, { id = "", type, payload }: Message): void {
    if (this.behaviour.isSilent === true) return;
    if (type === "connection_init") {
      this.initPayloads.push(payload);
      this.#tell("init");
      const { init } = this.behaviour;
      if (init === undefined) client.send(JSON.stringify({ type: "connection_ack" }));
      else if (init !== "hang") client.close(init.code, init.reason);
    } else if (type === "ping") {
      client.send(JSON.stringify({ type: "pong" }));
      this.#tell("ping");
    } else if (type === "subscribe") this.#subscribe(client, id, payload);
  }

  #subscribe(socket: WebSocket, id: string, payload: Message["payload"]): void {
    const name = payload?.operationName ?? "";
    this.queries.set(name, payload?.query ?? "");
    this.#subscriptions.set(name, { socket, id });
    const outcome = this.behaviour.subscribe?.[name];
    if (outcome === "complete") socket.send(JSON.stringify({ id, type: "complete" }));
    else if (outcome !== undefined) socket.send(JSON.stringify({ id, type: "error", payload: [outcome] }));
    this.#tell(`subscribe ${name}`);
  }

  #tell(what: Happening): void {
    this.happened.push(what);
    for (const check of [...this.#waiting]) check();
  }
}
