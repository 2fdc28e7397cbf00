import { Redis, type RedisOptions } from "ioredis";
import type { BackOffTiming, CancelTimer, Clock } from "../../../../ports/clock.js";
import { Waiters } from "../../../../ports/waits.js";

export interface SessionListener {
  /** Commands are taken from here on. */
  ready(): void;
  /** Nothing came for a while, not even the answer to a ping; what was sent before may still come. */
  silent?(): void;
  /** Something came after all. */
  heard?(): void;
  /** Called once, at last. */
  ended(reason: Error): void;
}

/** The library tells overloads apart by an option that is not in use here. */
type PlainOptions = RedisOptions & { replyMapping?: never };

/**
 * The life of one connection, from the first attempt to its end. It never comes back: what a connection was
 * told (a database, a subscription, tracking) ends with it, so nothing of it can be mistaken for the next one's.
 *
 * A server that is gone without a word is found out by pings: the connection is silent when nothing at all came
 * between one ping and the time for the next, and given up when it stays silent.
 */
export class Session {
  readonly redis: Redis;
  readonly #timing: LinkTiming;
  readonly #clock: Clock;
  readonly #listener: SessionListener;
  #cancelTimer: CancelTimer;
  #isReady = false;
  #hasEnded = false;
  #silentMs = 0;
  #lastError: Error | undefined;

  constructor(options: RedisOptions, timing: LinkTiming, clock: Clock, listener: SessionListener) {
    this.#timing = timing;
    this.#clock = clock;
    this.#listener = listener;
    this.redis = new Redis(options as PlainOptions);
    this.redis.on("ready", () => this.#ready());
    this.redis.on("error", (error: Error) => this.#failed(error));
    this.redis.on("end", () => this.end(this.#lastError ?? new Error("the connection was closed")));
    this.#cancelTimer = clock.after(timing.connectTimeoutMs, () =>
      this.end(new Error(`no connection within ${timing.connectTimeoutMs} ms`)),
    );
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  /** Ends it now; whatever is not answered yet fails. */
  end(reason: Error): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#isReady = false;
    this.#cancelTimer();
    this.redis.disconnect();
    // Not there before the first connection attempt, whatever its type says.
    (this.redis.stream as Redis["stream"] | undefined)?.destroy();
    this.#listener.ended(reason);
  }

  #ready(): void {
    if (this.#hasEnded) return;
    this.#isReady = true;
    this.#cancelTimer();
    this.#listener.ready();
    this.#pingLater();
  }

  /** The library goes on after some failures, for example in another database than the one that was asked for. */
  #failed(error: Error): void {
    this.#lastError = error;
    if (!this.#isReady) this.end(error);
  }

  #pingLater(): void {
    if (this.#hasEnded) return;
    const bytesBefore = this.redis.stream.bytesRead;
    this.redis.ping().catch(ignore);
    this.#cancelTimer = this.#clock.after(this.#timing.pingIntervalMs, () => {
      // A process that was itself held up has yet to read what came meanwhile.
      setImmediate(() => {
        if (this.#hasEnded) return;
        if (this.redis.stream.bytesRead > bytesBefore) this.#silentMs = 0;
        else this.#staysSilent();
        this.#pingLater();
      });
    });
  }

  #staysSilent(): void {
    const { pingIntervalMs, silenceLimitMs } = this.#timing;
    const isNew = this.#silentMs === 0;
    this.#silentMs += pingIntervalMs;
    if (this.#silentMs >= silenceLimitMs) {
      this.end(new Error(`nothing came from Redis for ${this.#silentMs} ms, not even the answer to a ping`));
      return;
    }
    if (!isNew) return;
    // Behind the library's own listener: what came is passed on before it is said that something did.
    this.redis.stream.once("data", () => {
      this.#silentMs = 0;
      if (!this.#hasEnded) this.#listener.heard?.();
    });
    this.#listener.silent?.();
  }
}

function ignore(): void {
  // Answered or not: bytes tell.
}

/** Milliseconds; the waits are those between two tries to connect. */
export interface LinkTiming extends BackOffTiming {
  /** From the first byte to a server that is ready, each step of it. */
  readonly connectTimeoutMs: number;
  /** How often the other side is asked for a sign of life: a connection on which nothing came meanwhile is silent. */
  readonly pingIntervalMs: number;
  /** A connection that has been silent for so long is given up; until then an answer still counts. */
  readonly silenceLimitMs: number;
}

export const LINK_TIMING: LinkTiming = {
  connectTimeoutMs: 1_000,
  pingIntervalMs: 500,
  silenceLimitMs: 3_000,
  firstDelayMs: 20,
  longestDelayMs: 1_000,
};

/**
 * The first attempt to connect, which a process that has just started is worth waiting for: refused at once, its
 * first checks would be answered as though Redis were down. Later on, nobody waits for a connection.
 */
export class InitialConnect {
  readonly #clock: Clock;
  readonly #waiters = new Waiters();
  #isOver = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** How it ended shows in what it was for. */
  over(): void {
    this.#isOver = true;
    this.#waiters.release();
  }

  /**
   * Resolves once it is over, or at the deadline.
   *
   * @param deadline epoch milliseconds
   */
  wait(deadline: number): Promise<void> {
    return this.#waiters.wait({ atMostMs: deadline - this.#clock.now(), clock: this.#clock });
  }
}
