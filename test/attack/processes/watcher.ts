import { type ClientHttp2Session, connect } from "node:http2";
import { waitedMsOf } from "../../../bench/processes/process-usage.js";
import { LoopLag } from "../../faults/loop-lag.js";
import { CHECK, CHECK_PATH } from "../raw/requests.js";

/** What the client without fault saw. Times are milliseconds, without those in which its own process, or the server, got no processor. */
export interface Watch {
  readonly checks: number;
  /** Answered, but after more than LATE_MS. */
  readonly late: number;
  /** Not answered with a decision. */
  readonly failed: number;
  /** Of all checks; of one that failed, until it did. */
  readonly longestMs: number;
  readonly failures: Readonly<Record<string, number>>;
  /** How long its process could not run in all. */
  readonly lagMs: number;
}

/** The port that is to be watched, and the process that serves it. */
export type WatchOrder = { readonly watch: number; readonly pid: number } | { readonly end: true };

export const LATE_MS = 1_000;
const INTERVAL_MS = 20;
const PATIENCE_MS = 10_000;
/** Every so many checks one goes by a connection of its own. */
const NEWCOMER_EVERY = 25;

/** Checks every 20 ms between an order to watch a port and the one to end, in a process of its own. */
export function serveWatches(): void {
  let watching: Watching | undefined;
  process.on("disconnect", () => process.exit());
  process.on("message", (order: WatchOrder) => {
    if ("watch" in order) {
      watching = new Watching(order.watch, order.pid);
      void watching.firstAnswer.then(() => process.send?.({ isWatching: true }));
    } else void watching?.end().then((watch) => process.send?.(watch));
  });
  process.send?.({ isReady: true });
}

class Watching {
  /** Settles with the first check, whatever comes of it. */
  readonly firstAnswer: Promise<void>;
  readonly #port: number;
  readonly #pid: number;
  readonly #lag = new LoopLag();
  readonly #timer: NodeJS.Timeout;
  readonly #pending = new Set<Promise<void>>();
  readonly #failures: Record<string, number> = {};
  #session: ClientHttp2Session | undefined;
  #checks = 0;
  #late = 0;
  #failed = 0;
  #longestMs = 0;

  constructor(port: number, pid: number) {
    this.#port = port;
    this.#pid = pid;
    this.firstAnswer = this.#check();
    this.#timer = setInterval(() => void this.#check(), INTERVAL_MS);
  }

  async end(): Promise<Watch> {
    clearInterval(this.#timer);
    await Promise.all(this.#pending);
    this.#lag.stop();
    this.#session?.destroy();
    return {
      checks: this.#checks,
      late: this.#late,
      failed: this.#failed,
      longestMs: this.#longestMs,
      failures: this.#failures,
      lagMs: this.#lag.lostMs,
    };
  }

  #check(): Promise<void> {
    const isNewcomer = this.#checks++ % NEWCOMER_EVERY === NEWCOMER_EVERY - 1;
    const session = isNewcomer ? this.#connect() : this.#kept();
    const begunAt = performance.now();
    const lostBefore = this.#lag.lostMs;
    const waitedBefore = waitedMsOf(this.#pid);
    const check = checkOnce(session).then((failure) => {
      // What both lost may be the same time: the greater of the two is not the server's in any case.
      const lostMs = Math.max(this.#lag.lostMs - lostBefore, waitedMsOf(this.#pid) - waitedBefore || 0);
      const ms = performance.now() - begunAt - lostMs;
      this.#longestMs = Math.max(this.#longestMs, ms);
      if (failure !== undefined) {
        this.#failed++;
        const what = isNewcomer ? `${failure} (on a new connection)` : failure;
        this.#failures[what] = (this.#failures[what] ?? 0) + 1;
      } else if (ms > LATE_MS) this.#late++;
      if (isNewcomer) session.destroy();
      this.#pending.delete(check);
    });
    this.#pending.add(check);
    return check;
  }

  #kept(): ClientHttp2Session {
    if (this.#session === undefined || this.#session.closed || this.#session.destroyed) this.#session = this.#connect();
    return this.#session;
  }

  #connect(): ClientHttp2Session {
    const session = connect(`http://127.0.0.1:${this.#port}`);
    session.on("error", () => undefined);
    return session;
  }
}

/** @returns why it came to nothing; undefined: it was answered */
function checkOnce(session: ClientHttp2Session): Promise<string | undefined> {
  return new Promise((done) => {
    let status: unknown;
    let bytes = 0;
    const stream = session.request({
      ":method": "POST",
      ":path": CHECK_PATH,
      "content-type": "application/grpc",
      te: "trailers",
    });
    const timer = setTimeout(() => {
      done(`no answer in ${PATIENCE_MS / 1_000} s`);
      stream.close(8);
    }, PATIENCE_MS);
    stream.on("trailers", (trailers) => (status = trailers["grpc-status"]));
    stream.on("data", (chunk: Buffer) => (bytes += chunk.length));
    stream.on("error", (error) => finish(error.message));
    stream.on("close", () => finish(status === "0" && bytes > 0 ? undefined : `grpc-status ${String(status)}`));
    stream.end(CHECK);

    function finish(failure: string | undefined): void {
      clearTimeout(timer);
      done(failure);
    }
  });
}
