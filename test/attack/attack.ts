import type { Socket } from "node:net";
import { setTimeout as elapse } from "node:timers/promises";
import type { AttackReport, Target } from "./attack-class.js";
import { type ConnectionOptions, RawConnection } from "./raw/connection.js";
import { data, END_STREAM, headers } from "./raw/frames.js";
import { CHECK, CHECK_PATH, requestBlock } from "./raw/requests.js";

/** What was sent before it on its connection is read first. */
const INNOCENT_PATIENCE_MS = 30_000;
const INNOCENT_BLOCK = requestBlock(CHECK_PATH);
const PAUSE_BEFORE_RECONNECT_MS = 2;

export interface FloodOptions extends ConnectionOptions {
  /** At a time. */
  readonly connections: number;
  /** Whether each connection also carries one call of somebody without fault. */
  readonly hasInnocent?: boolean;
}

/** One run of one class of abuse: its target, its end, and what it has done so far. */
export class Attack {
  readonly target: Target;
  readonly #ms: number;
  #endsAt: number;
  readonly #sockets = new Set<Socket>();
  #connections = 0;
  #bytes = 0;
  #opened = 0;
  #answered = 0;
  readonly #violations = new Map<string, number>();

  constructor(target: Target, ms: number) {
    this.target = target;
    this.#ms = ms;
    this.#endsAt = performance.now() + ms;
  }

  /** Begins its time anew, where what it sends had to be made first. */
  prepared(): void {
    this.#endsAt = performance.now() + this.#ms;
  }

  get isOver(): boolean {
    return performance.now() >= this.#endsAt;
  }

  get remainingMs(): number {
    return Math.max(0, this.#endsAt - performance.now());
  }

  /** An HTTP/2 connection that is aborted when the attack ends. */
  open(options: ConnectionOptions = {}): RawConnection {
    const connection = new RawConnection(this.target.http2Port, options);
    this.adopt(connection.socket);
    return connection;
  }

  /** Counts a socket, and has it aborted when the attack ends. */
  adopt(socket: Socket): void {
    this.#connections++;
    this.#sockets.add(socket);
    socket.once("close", () => {
      this.#bytes += socket.bytesWritten;
      this.#sockets.delete(socket);
    });
  }

  /** Waits, but not beyond the end. */
  async pause(ms: number): Promise<void> {
    await elapse(Math.min(ms, this.remainingMs));
  }

  /** Runs so many at a time until the end, each beginning anew when it is through. */
  async eachUntilOver(count: number, run: (index: number) => Promise<void>): Promise<void> {
    await Promise.all(
      Array.from({ length: count }, async (_, index) => {
        while (!this.isOver) {
          await run(index);
          await this.pause(PAUSE_BEFORE_RECONNECT_MS);
        }
      }),
    );
  }

  /**
   * Keeps connections open until the end, each writing what `next` gives for as long as the server takes it: until it
   * closes the connection, or says GOAWAY where an innocent call is to be finished on it.
   *
   * @param next undefined: nothing for now
   */
  async flood(options: FloodOptions, next: (connection: RawConnection) => Uint8Array | undefined): Promise<void> {
    await this.eachUntilOver(options.connections, async () => {
      const connection = this.open(options);
      if (!(await connection.connected())) {
        connection.abort();
        return;
      }
      const finish = options.hasInnocent === true ? this.beginInnocent(connection) : undefined;
      while (connection.isOpen && !this.isOver && (finish === undefined || connection.goAway === undefined)) {
        const bytes = next(connection);
        if (bytes === undefined) await this.pause(20);
        else await connection.write(bytes);
      }
      await finish?.();
      connection.abort();
    });
  }

  /** Opens a call of somebody without fault. @returns sends the rest of it, and settles with its answer */
  beginInnocent(connection: RawConnection): () => Promise<void> {
    const stream = connection.takeStream();
    connection.socket.write(headers(stream, INNOCENT_BLOCK));
    this.#opened++;
    const answered = connection.answered(stream, INNOCENT_PATIENCE_MS + this.remainingMs);
    return async () => {
      if (connection.isOpen) connection.socket.write(data(stream, CHECK, END_STREAM));
      const hasAnswer = await Promise.race([answered, elapse(INNOCENT_PATIENCE_MS, false, { ref: false })]);
      if (hasAnswer) this.#answered++;
    };
  }

  /** A call of somebody without fault that the attack has carried out itself. */
  countInnocent(isAnswered: boolean): void {
    this.#opened++;
    if (isAnswered) this.#answered++;
  }

  /** An answer that no server should give. */
  violation(what: string): void {
    this.#violations.set(what, (this.#violations.get(what) ?? 0) + 1);
  }

  /** Closes all that is open. */
  async end(): Promise<AttackReport> {
    const open = [...this.#sockets];
    const closed = open.map((socket) => new Promise((done) => socket.once("close", done)));
    for (const socket of open) socket.resetAndDestroy();
    await Promise.race([Promise.all(closed), elapse(2_000)]);
    return {
      connections: this.#connections,
      bytes: this.#bytes,
      innocents: { opened: this.#opened, answered: this.#answered },
      violations: [...this.#violations].map(([what, count]) => `${what} (${count} ×)`),
    };
  }
}
