import type { CancelTimer, Clock } from "../../ports/clock.js";

/** How many pings in a row may bring nothing at all. */
const MAX_SILENT_PINGS = 2;

/**
 * Finds out that a peer is gone although the connection seems open. Counts pings and not time alone: a process
 * that was itself held up for a while has unread messages, not a silent peer.
 */
export class SilenceWatch {
  readonly #intervalMs: number;
  readonly #clock: Clock;
  readonly #ping: () => void;
  readonly #onSilence: () => void;
  #silentPings = 0;
  #cancelTimer: CancelTimer | undefined;

  constructor(intervalMs: number, clock: Clock, ping: () => void, onSilence: () => void) {
    this.#intervalMs = intervalMs;
    this.#clock = clock;
    this.#ping = ping;
    this.#onSilence = onSilence;
  }

  start(): void {
    this.#cancelTimer = this.#clock.after(this.#intervalMs, () => this.#tick());
  }

  /** Something came from the peer. */
  heard(): void {
    this.#silentPings = 0;
  }

  stop(): void {
    this.#cancelTimer?.();
  }

  #tick(): void {
    if (this.#silentPings >= MAX_SILENT_PINGS) {
      this.#onSilence();
      return;
    }
    this.#silentPings++;
    this.#ping();
    this.start();
  }
}
