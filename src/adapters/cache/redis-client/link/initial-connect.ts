import type { Clock } from "../../../../ports/clock.js";

/**
 * The first attempt to connect, which a process that has just started is worth waiting for: refused at once, its
 * first checks would be answered as though Redis were down. Later on, nobody waits for a connection.
 */
export class InitialConnect {
  readonly #clock: Clock;
  readonly #waiting = new Set<() => void>();
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
    for (const resolve of [...this.#waiting]) resolve();
  }

  /**
   * Resolves once it is over, or at the deadline.
   *
   * @param deadline epoch milliseconds
   */
  wait(deadline: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        cancelTimer();
        this.#waiting.delete(done);
        resolve();
      };
      const cancelTimer = this.#clock.after(Math.max(0, deadline - this.#clock.now()), done);
      this.#waiting.add(done);
    });
  }
}
