/** What one connection may take of a turn of the event loop, milliseconds, while it is alone in wanting more. */
const SHARE_MS = 10;
const LEAST_SHARE_MS = 0.5;
/** Two reads of one connection that are closer than this are in the same turn, milliseconds. */
const SAME_TURN_MS = 0.05;

/** How connections that send faster than they can be served share the event loop: each reads for a while, then all others do. */
export class ReadTurns {
  #deferred = 0;

  /** Milliseconds of reading after which a connection waits for its next turn. */
  get shareMs(): number {
    return this.#deferred === 0 ? SHARE_MS : Math.max(LEAST_SHARE_MS, SHARE_MS / (1 + this.#deferred));
  }

  /** Whether a read at `startedAt` follows right upon one that ended at `endedAt`. */
  continues(endedAt: number, startedAt: number): boolean {
    return startedAt - endedAt < SAME_TURN_MS;
  }

  /** Calls back in the next turn of the event loop. */
  next(readOn: () => void): void {
    this.#deferred++;
    setImmediate(() => {
      this.#deferred--;
      readOn();
    });
  }
}
