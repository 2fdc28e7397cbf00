import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { execute, parse, subscribe, validate } from "graphql";
import { type ConnectionInitMessage, handleProtocols, makeServer, type Server } from "graphql-ws";
import { WebSocket, WebSocketServer } from "ws";
import type { EmulatorContext } from "../emulator-context.js";
import type { ConnectRule, Struck } from "../faults/fault-rules.js";
import type { operationRoots } from "../graphql/operation-roots.js";
import { VENDOR_SCHEMA } from "../graphql/vendor-schema.js";
import { INVALID_KEY_MESSAGE } from "../http-answer.js";
import { eventFeeds, type EventHub, SUBSCRIPTION_FIELDS, type SubscriptionField } from "./event-feeds.js";
import { FeedSubscription } from "./feed-subscription.js";

const PING_INTERVAL_MS = 12_000;
const MAX_MESSAGE_BYTES = 1024 * 1024;

/** What graphql-ws closes a socket with when its client may not use it. */
const UNAUTHORIZED = 4401;

interface SocketContext {
  readonly signal: AbortSignal;
  readonly socket: SubscriberSocket;
}

interface OpenedSocket {
  readonly socket: SubscriberSocket;
  readonly struck: Struck<ConnectRule> | undefined;
}

/** The vendor's subscriptions: GraphQL over WebSocket, both generations of them on one socket. */
export class SubscriptionEndpoint {
  readonly #context: EmulatorContext;
  readonly #protocol: Server<OpenedSocket>;
  readonly #webSockets = new WebSocketServer({ noServer: true, handleProtocols, maxPayload: MAX_MESSAGE_BYTES });
  readonly #sockets = new Set<SubscriberSocket>();
  readonly #pings: NodeJS.Timeout;

  constructor(context: EmulatorContext, hub: EventHub, roots: ReturnType<typeof operationRoots>) {
    this.#context = context;
    this.#protocol = makeServer<ConnectionInitMessage["payload"], OpenedSocket>({
      schema: VENDOR_SCHEMA,
      // The same module's that made the schema: GraphQL refuses to mix two copies of itself, and a loader can make two.
      parse,
      validate,
      execute,
      subscribe,
      roots: { ...roots, subscription: subscriptionRoot(context, hub) },
      context: ({ extra: { socket } }): SocketContext => ({ socket, signal: new AbortController().signal }),
      onConnect: async ({ connectionParams, extra: { socket, struck } }) => {
        if (struck?.rule.kind === "ack-hang") await struck.off;
        if (struck?.rule.kind === "refuse") return refuse(socket, struck.rule.code, struck.rule.reason);
        if (this.#context.apiKey.allowsConnection(connectionParams)) return true;
        this.#context.stats.count("refusedKeys");
        return refuse(socket, UNAUTHORIZED, INVALID_KEY_MESSAGE);
      },
    });
    this.#pings = setInterval(() => {
      for (const socket of this.#sockets) socket.ping();
    }, PING_INTERVAL_MS).unref();
  }

  /** @param socket one that an HTTP server has handed over */
  upgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    this.#context.stats.count("upgrades");
    socket.on("error", () => socket.destroy());
    const struck = this.#context.faults.ws.strike(() => true);
    if (struck?.rule.kind === "upgrade-hang") return;
    if (struck?.rule.kind === "upgrade-status") {
      socket.end(`HTTP/1.1 ${struck.rule.status} Refused\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
      return;
    }
    this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => this.#opened(webSocket, socket, struck));
  }

  closeAll(code: number, reason: string): void {
    for (const socket of this.#sockets) socket.close(code, reason);
  }

  resetAll(): void {
    for (const socket of this.#sockets) socket.reset();
  }

  halfOpenAll(): void {
    for (const socket of this.#sockets) socket.halfOpen();
  }

  /** @param field undefined: all subscriptions */
  completeAll(field: SubscriptionField | undefined): void {
    for (const { subscriptions } of this.#sockets) {
      for (const subscription of [...subscriptions]) {
        if (field === undefined || subscription.field === field) subscription.complete();
      }
    }
  }

  stop(): void {
    clearInterval(this.#pings);
    this.#webSockets.close();
  }

  #opened(webSocket: WebSocket, tcpSocket: Socket, struck: Struck<ConnectRule> | undefined): void {
    const { stats } = this.#context;
    const socket = new SubscriberSocket(webSocket, tcpSocket, () => stats.count("overruns"));
    this.#sockets.add(socket);
    stats.count("sockets");
    const closed = this.#protocol.opened(socket, { socket, struck });
    webSocket.once("close", (code, reason) => {
      this.#sockets.delete(socket);
      for (const subscription of [...socket.subscriptions]) subscription.complete();
      stats.count("sockets", -1);
      void closed(code, reason.toString("utf8"));
    });
  }
}

function refuse(socket: SubscriberSocket, code: number, reason: string): false {
  socket.close(code, reason);
  return false;
}

/** One function a field, each of which begins a subscription. */
function subscriptionRoot(
  context: EmulatorContext,
  hub: EventHub,
): Record<string, (_: unknown, call: SocketContext) => AsyncIterable<object>> {
  const feeds = eventFeeds(context);
  return Object.fromEntries(
    SUBSCRIPTION_FIELDS.map((field) => {
      const begin = (_: unknown, { socket }: SocketContext) => {
        const subscription = new FeedSubscription({
          field,
          feed: feeds[field],
          hub,
          stats: context.stats,
          overrun: () => socket.overrun(),
          ended: (ended) => void socket.subscriptions.delete(ended),
        });
        socket.subscriptions.add(subscription);
        return subscription;
      };
      return [field, begin];
    }),
  );
}

/** Bytes that may wait for a client that does not read, whatever they are. */
const MAX_UNREAD_BYTES = 8 * 1024 * 1024;

/** One client's WebSocket, with what a test can do to it. */
class SubscriberSocket {
  readonly subscriptions = new Set<FeedSubscription>();
  readonly #webSocket: WebSocket;
  readonly #socket: Socket;
  readonly #overrun: () => void;
  #isHalfOpen = false;
  #answeredPing = true;

  constructor(webSocket: WebSocket, socket: Socket, overrun: () => void) {
    this.#webSocket = webSocket;
    this.#socket = socket;
    this.#overrun = overrun;
    webSocket.on("pong", () => (this.#answeredPing = true));
    // The close that follows tells all there is to tell.
    webSocket.on("error", () => undefined);
  }

  get protocol(): string {
    return this.#webSocket.protocol;
  }

  onMessage(handle: (text: string) => Promise<void>): void {
    this.#webSocket.on("message", (data: Buffer) => {
      handle(data.toString("utf8")).catch((error: unknown) => {
        this.close(4400, error instanceof Error ? error.message.slice(0, 120) : "Invalid message");
      });
    });
  }

  /** Resolves when the system has taken the message, so whoever waits for it sends no faster than the client reads. */
  send(message: string): Promise<void> {
    if (this.#isHalfOpen) return new Promise(() => undefined);
    if (this.#webSocket.readyState !== WebSocket.OPEN) return Promise.resolve();
    if (this.#webSocket.bufferedAmount > MAX_UNREAD_BYTES) {
      this.overrun();
      return Promise.resolve();
    }
    return new Promise((resolve) => this.#webSocket.send(message, () => resolve()));
  }

  /** Gives up a client that does not read; it has to begin anew, as after any other gap. */
  overrun(): void {
    this.#overrun();
    this.#webSocket.terminate();
  }

  close(code: number, reason: string): void {
    if (!this.#isHalfOpen) this.#webSocket.close(code, reason);
  }

  reset(): void {
    this.#socket.resetAndDestroy();
  }

  /** From now on neither reads nor writes, and tells nobody: as when a cable is cut. */
  halfOpen(): void {
    this.#isHalfOpen = true;
    if (this.#webSocket.readyState === WebSocket.OPEN) this.#webSocket.pause();
  }

  /** Asks whether the client is still there, and gives it up if it did not answer the last time. */
  ping(): void {
    if (this.#isHalfOpen || this.#webSocket.readyState !== WebSocket.OPEN) return;
    if (this.#answeredPing) this.#webSocket.ping();
    else this.#webSocket.terminate();
    this.#answeredPing = false;
  }
}
