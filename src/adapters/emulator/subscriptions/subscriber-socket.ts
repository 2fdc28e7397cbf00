import type { Socket } from "node:net";
import { WebSocket } from "ws";
import type { FeedSubscription } from "./feed-subscription.js";

/** Bytes that may wait for a client that does not read, whatever they are. */
const MAX_UNREAD_BYTES = 8 * 1024 * 1024;

/** One client's WebSocket, with what a test can do to it. */
export class SubscriberSocket {
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
