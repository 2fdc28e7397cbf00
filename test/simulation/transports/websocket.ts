import { EventEmitter } from "node:events";
import type { Pipe } from "../world/network.js";
import type { SimProcess } from "../world/sim-process.js";
import { theWorld } from "../world/world.js";

/** The other end of a connection, at a virtual server. */
export interface VirtualSocket {
  readonly from: string;
  send(message: unknown): void;
  close(code: number, reason: string): void;
  onMessage: (message: string) => void;
  onClose: () => void;
}

export type VirtualSocketServer = (socket: VirtualSocket) => void;

const servers = new WeakMap<object, Map<string, VirtualSocketServer>>();

/** Microseconds of the client's processor for one message. */
const COST_OF_MESSAGE = 60;

export function listenWebSocket(hostname: string, server: VirtualSocketServer): void {
  const world = theWorld();
  const known = servers.get(world) ?? new Map<string, VirtualSocketServer>();
  servers.set(world, known);
  known.set(hostname, server);
}

/** What the stream adapter uses of the library `ws`. */
export default class WebSocket extends EventEmitter {
  static readonly CONNECTING = 0;
  static readonly OPEN = 1;
  static readonly CLOSING = 2;
  static readonly CLOSED = 3;
  readonly protocol = "graphql-transport-ws";
  readyState = WebSocket.CONNECTING;
  onopen: (() => void) | null = null;
  onclose: ((event: { readonly code: number; readonly reason: string; readonly wasClean: boolean }) => void) | null =
    null;
  onmessage: ((event: { readonly data: string }) => void) | null = null;
  onerror: ((event: unknown) => void) | null = null;
  readonly #process: SimProcess | undefined;
  readonly #there: Pipe;
  readonly #back: Pipe;
  #peer: VirtualSocket | undefined;

  constructor(address: string) {
    super();
    const { network, scheduler } = theWorld();
    const { hostname } = new URL(address);
    this.#process = scheduler.current;
    const from = this.#process?.host ?? "world";
    this.#there = network.pipe(from, hostname, undefined);
    this.#back = network.pipe(hostname, from, this.#process);
    this.#process?.onEnd(() => this.#peer?.onClose());
    this.#there.send(() => {
      const server = servers.get(theWorld())?.get(hostname);
      if (server === undefined || network.isRefusing(hostname))
        this.#back.send(() => this.#fail("connect ECONNREFUSED"));
      else this.#accept(server, from);
    });
  }

  send(data: string): void {
    this.#there.send(() => this.#peer?.onMessage(data));
  }

  close(code = 1_000, reason = ""): void {
    if (this.readyState >= WebSocket.CLOSING) return;
    this.readyState = WebSocket.CLOSING;
    this.#there.send(() => {
      this.#peer?.onClose();
      this.#back.send(() => this.#closed(code, reason));
    });
  }

  terminate(): void {
    if (this.readyState === WebSocket.CLOSED) return;
    this.#there.send(() => this.#peer?.onClose());
    const { scheduler } = theWorld();
    scheduler.after(0, this.#process, () => this.#closed(1_006, ""));
  }

  #accept(server: VirtualSocketServer, from: string): void {
    const peer: VirtualSocket = {
      from,
      send: (message) => {
        const data = JSON.stringify(message);
        this.#back.send(() => {
          if (this.readyState !== WebSocket.OPEN) return;
          theWorld().scheduler.charge(COST_OF_MESSAGE);
          this.onmessage?.({ data });
        });
      },
      close: (code, reason) => this.#back.send(() => this.#closed(code, reason)),
      onMessage: () => undefined,
      onClose: () => undefined,
    };
    this.#peer = peer;
    server(peer);
    this.#back.send(() => {
      if (this.readyState !== WebSocket.CONNECTING) return;
      this.readyState = WebSocket.OPEN;
      this.onopen?.();
    });
  }

  #fail(message: string): void {
    if (this.readyState === WebSocket.CLOSED) return;
    const error = new Error(message);
    this.onerror?.(error);
    this.emit("error", error);
    this.#closed(1_006, "");
  }

  #closed(code: number, reason: string): void {
    if (this.readyState === WebSocket.CLOSED) return;
    this.readyState = WebSocket.CLOSED;
    this.onclose?.({ code, reason, wasClean: code === 1_000 });
  }
}

export { WebSocket };
