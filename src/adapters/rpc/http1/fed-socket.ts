import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import type { FairQueue } from "../exchange/fair-queue.js";

/** As much as Node's parser is given at once: a request may be 26 octets, and costs some 15 µs before anybody can refuse it. */
const SLICE_BYTES = 4_096;

const NOTHING: Buffer = Buffer.alloc(0);

type WhenWritten = (error?: Error | null) => void;

/** What was read of a connection before. */
export interface ReadBefore {
  readonly rest: Buffer;
  /** Nothing comes behind it. */
  readonly hasEnded: boolean;
}

/**
 * A connection as Node's HTTP server is handed it. Node begins every request that one read brings in one turn of the event loop, 2,500 in
 * 64 kB, and can be neither bounded nor stopped in that: so its parser is given slices, in turns with those of other connections.
 */
export class FedSocket extends Duplex {
  readonly #socket: Socket;
  readonly #turns: FairQueue;
  #held: Buffer;
  #hasEnded: boolean;
  #isWaiting = false;
  #isIgnored = false;
  /** Of the write that is under way; a stream has one at a time. */
  #whenWritten: WhenWritten | undefined;

  constructor(socket: Socket, { rest, hasEnded }: ReadBefore, turns: FairQueue) {
    super({ decodeStrings: false });
    this.#socket = socket;
    this.#turns = turns;
    this.#held = rest;
    this.#hasEnded = hasEnded;
    this.on("error", ignoreError);
    socket.on("data", this.#onData);
    socket.on("end", this.#onEnd);
    socket.on("timeout", () => this.emit("timeout"));
    socket.on("close", () => this.destroy());
    // In flow, what comes would be announced before anybody listens.
    socket.pause();
  }

  /** What the parser was given. */
  get bytesRead(): number {
    return this.#socket.bytesRead - this.#socket.readableLength - this.#held.length;
  }

  /** Whether something came that the parser was not given yet. */
  get hasMore(): boolean {
    return this.#held.length > 0 || this.#socket.readableLength > 0;
  }

  setTimeout(ms: number): this {
    this.#socket.setTimeout(ms);
    return this;
  }

  /** Closes once all that is written is on its way, as sockets do. */
  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once("finish", () => this.destroy());
  }

  /**
   * What still comes flows by, its end as well, as long as there are answers to come: a socket that is closed with unread bytes is reset,
   * and they are lost.
   */
  ignoreRest(): void {
    this.#isIgnored = true;
    this.#held = NOTHING;
    this.#socket.resume();
  }

  override _read(): void {
    if (this.#held.length > 0) this.#giveInTurn();
    else if (this.#hasEnded) this.#endReading();
    else this.#socket.resume();
  }

  override _write(chunk: string | Buffer, encoding: BufferEncoding, whenWritten: WhenWritten): void {
    this.#whenWritten = whenWritten;
    this.#socket.write(chunk, encoding, this.#onWritten);
  }

  override _writev(
    chunks: { readonly chunk: string | Buffer; readonly encoding: BufferEncoding }[],
    whenWritten: WhenWritten,
  ): void {
    this.#whenWritten = whenWritten;
    const last = chunks.length - 1;
    this.#socket.cork();
    chunks.forEach(({ chunk, encoding }, index) =>
      this.#socket.write(chunk, encoding, index === last ? this.#onWritten : undefined),
    );
    this.#socket.uncork();
  }

  override _final(whenEnded: () => void): void {
    this.#socket.end(() => whenEnded());
  }

  override _destroy(error: Error | null, whenDestroyed: (error: Error | null) => void): void {
    this.#held = NOTHING;
    this.#turns.remove(this);
    this.#socket.destroy();
    whenDestroyed(error);
  }

  /** A socket that is destroyed says of what it had yet to write that it is written. */
  readonly #onWritten: WhenWritten = (error) => {
    if (this.#socket.destroyed) this.destroy();
    else this.#whenWritten?.(error);
  };

  readonly #onData = (chunk: Buffer): void => {
    if (this.#isIgnored) return;
    this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    if (this.#isWaiting) return;
    if (!this.#turns.hasTime) {
      this.#giveInTurn();
      return;
    }
    const startedAt = performance.now();
    this.#give();
    this.#turns.spent(performance.now() - startedAt);
  };

  readonly #onEnd = (): void => {
    this.#hasEnded = true;
    if (this.#held.length === 0) this.#endReading();
  };

  #giveInTurn(): void {
    this.#socket.pause();
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    this.#turns.add(this, () => {
      this.#isWaiting = false;
      if (this.#held.length === 0) return false;
      this.#give();
      return true;
    });
  }

  /** The parser reads it before this returns, unless the server has paused it. */
  #give(): void {
    const slice = this.#held.subarray(0, SLICE_BYTES);
    this.#held = this.#held.subarray(SLICE_BYTES);
    const wantsMore = this.push(slice);
    if (this.#held.length > 0 || !wantsMore) this.#socket.pause();
    else if (this.#hasEnded) this.#endReading();
  }

  #endReading(): void {
    if (!this.#isIgnored) this.push(null);
  }
}

function ignoreError(): void {
  // The server hears that it has closed.
}
