import type { Socket } from "node:net";

/**
 * Every connection there is. Neither server can be asked to end them all: destroying an HTTP/2 session, for one,
 * does not free the socket of a peer that never reads.
 */
export class OpenSockets {
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
