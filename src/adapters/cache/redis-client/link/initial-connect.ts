import type { Clock } from "../../../../ports/clock.js";
import { Waiters } from "../../../../ports/waits.js";

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
