/** Whether news of changes arrive, and so how far back a cached state may be trusted without asking again. */
export class StreamStatus {
  readonly #pollIntervalMs: number;
  #isConnected = false;

  /** @param pollIntervalMs how old a state may be while no news arrive, before it is asked for again */
  constructor(pollIntervalMs: number) {
    this.#pollIntervalMs = pollIntervalMs;
  }

  get isConnected(): boolean {
    return this.#isConnected;
  }

  connected(): void {
    this.#isConnected = true;
  }

  disconnected(): void {
    this.#isConnected = false;
  }

  /** States verified before this moment should be asked for again; they serve meanwhile. Epoch milliseconds. */
  trustSince(now: number): number {
    return this.#isConnected ? -Infinity : now - this.#pollIntervalMs;
  }
}
