import type { CancelTimer, Clock } from "../../../../ports/clock.js";

/** Tells of each change of whether there is a connection, once. */
export class ConnectionChanges {
  readonly #listeners = new Set<(isConnected: boolean) => void>();
  #isConnected = false;

  get isConnected(): boolean {
    return this.#isConnected;
  }

  onChange(listener: (isConnected: boolean) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  set(isConnected: boolean): void {
    if (isConnected === this.#isConnected) return;
    this.#isConnected = isConnected;
    for (const listener of [...this.#listeners]) listener(isConnected);
  }
}

/** How often waiting time is added up, milliseconds. */
const TICK_MS = 10;
/** In how many turns of the event loop, at least, an answer is not there before it is overdue. */
const MIN_TURNS = 5;

interface PendingBatch {
  readonly sentAt: number;
  isAnswered: boolean;
}

/**
 * Judges one connection by how long Redis takes to answer. It is slow once an answer took longer than the limit, or is
 * overdue, until a ping has been answered in time.
 *
 * Waiting time is counted only while this process's event loop turns: a process that is behind reads answers late that
 * came in time, and that says nothing of Redis.
 */
export class LatencyWatch {
  readonly #clock: Clock;
  readonly #limitMs: number;
  /** A longer turn is this process's own delay, and counts as so much, milliseconds. */
  readonly #longestTurnMs: number;
  readonly #ping: () => Promise<unknown>;
  readonly #onChange: () => void;
  readonly #idleMs: (() => number) | undefined;
  #idleBefore = 0;
  /** Redis answers in the order of the commands, so the first is the oldest. */
  readonly #pending: PendingBatch[] = [];
  #isSlow = false;
  #isStopped = false;
  #waitedMs = 0;
  #lastTickAt = 0;
  #cancelTick: CancelTimer | undefined;

  /**
   * @param limitMs how long an answer may take
   * @param ping asks over the connection; its failure is the connection's end
   * @param onChange called whenever `isSlow` is another
   * @param idleMs how long this process has had nothing to do, in all: while it always has, it has not yet read what came
   */
  constructor(
    clock: Clock,
    limitMs: number,
    ping: () => Promise<unknown>,
    onChange: () => void,
    idleMs?: () => number,
  ) {
    this.#idleMs = idleMs;
    this.#idleBefore = idleMs?.() ?? 0;
    this.#clock = clock;
    this.#limitMs = limitMs;
    this.#longestTurnMs = Math.max(TICK_MS, limitMs / MIN_TURNS);
    this.#ping = ping;
    this.#onChange = onChange;
  }

  get isSlow(): boolean {
    return this.#isSlow;
  }

  /** @returns to be called once commands that are sent now are answered */
  sent(): () => void {
    const batch: PendingBatch = { sentAt: this.#now(), isAnswered: false };
    this.#pending.push(batch);
    this.#cancelTick ??= this.#clock.after(TICK_MS, () => this.#tick());
    return () => {
      batch.isAnswered = true;
      if (this.#now() - batch.sentAt > this.#limitMs) this.#becomesSlow();
    };
  }

  /** The connection has ended: another one is judged by its own answers. */
  stop(): void {
    this.#isStopped = true;
    this.#cancelTick?.();
  }

  /** Milliseconds of waiting so far, of which only differences count. */
  #now(): number {
    const now = this.#clock.now();
    // The wall clock may also step back.
    if (this.#cancelTick !== undefined && this.#wasIdle())
      this.#waitedMs += Math.min(Math.max(0, now - this.#lastTickAt), this.#longestTurnMs);
    this.#lastTickAt = now;
    return this.#waitedMs;
  }

  #wasIdle(): boolean {
    if (this.#idleMs === undefined) return true;
    const idle = this.#idleMs();
    const wasIdle = idle > this.#idleBefore;
    this.#idleBefore = idle;
    return wasIdle;
  }

  #tick(): void {
    const now = this.#now();
    this.#cancelTick = undefined;
    let answered = 0;
    while (this.#pending[answered]?.isAnswered === true) answered++;
    this.#pending.splice(0, answered);
    const [oldest] = this.#pending;
    if (oldest === undefined || this.#isStopped) return;
    this.#cancelTick = this.#clock.after(TICK_MS, () => this.#tick());
    if (now - oldest.sentAt > this.#limitMs) this.#becomesSlow();
  }

  #becomesSlow(): void {
    if (this.#isSlow || this.#isStopped) return;
    this.#isSlow = true;
    this.#onChange();
    this.#probe();
  }

  #probe(): void {
    if (this.#isStopped) return;
    const sentAt = this.#now();
    const answered = this.sent();
    this.#ping().then(() => {
      const tookMs = this.#now() - sentAt;
      answered();
      if (this.#isStopped) return;
      if (tookMs <= this.#limitMs) {
        this.#isSlow = false;
        this.#onChange();
      } else this.#clock.after(this.#limitMs, () => this.#probe());
    }, ignore);
  }
}

function ignore(): void {
  // What never answers has ended with its connection, and another one is judged anew.
}
