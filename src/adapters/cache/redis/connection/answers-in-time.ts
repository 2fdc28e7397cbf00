import { CodedError } from "../../../../domain/errors.js";
import type { Clock } from "../../../../ports/clock.js";

/** Whoever was given less of the time limit than this says nothing of Redis: what came before took the time. */
const FAIR_SHARE = 0.9;

/**
 * Bounds the wait for answers, and knows when it is not worth to ask: after an answer that took too long, until
 * a ping has been answered in time.
 */
export class AnswersInTime {
  readonly #clock: Clock;
  readonly #limitMs: number;
  readonly #onChange: () => void;
  #isTooSlow = false;

  constructor(clock: Clock, limitMs: number, onChange: () => void) {
    this.#clock = clock;
    this.#limitMs = limitMs;
    this.#onChange = onChange;
  }

  get isTooSlow(): boolean {
    return this.#isTooSlow;
  }

  /** Another connection is judged by its own answers. */
  reset(): void {
    this.#isTooSlow = false;
  }

  /**
   * @param deadline epoch milliseconds
   * @param ping asks over the same connection; its failure is the connection's end
   * @throws CodedError `unavailable` at the deadline
   */
  async within<T>(answer: Promise<T>, deadline: number, ping: () => Promise<unknown>): Promise<T> {
    const began = this.#clock.now();
    let hasAnswered = false;
    let cancelTimer: () => void = nothing;
    const overdue = new Promise<never>((_, reject) => {
      cancelTimer = this.#clock.after(Math.max(0, deadline - began), () => {
        // A process that was itself held up has yet to read what came meanwhile.
        setImmediate(() => {
          if (hasAnswered) return;
          reject(new CodedError("unavailable", "Redis did not answer in time"));
          if (deadline - began >= this.#limitMs * FAIR_SHARE) this.#tooSlow(ping);
        });
      });
    });
    try {
      return await Promise.race([answer.finally(() => (hasAnswered = true)), overdue]);
    } finally {
      cancelTimer();
    }
  }

  #tooSlow(ping: () => Promise<unknown>): void {
    if (this.#isTooSlow) return;
    this.#isTooSlow = true;
    this.#onChange();
    this.#probe(ping);
  }

  #probe(ping: () => Promise<unknown>): void {
    const began = this.#clock.now();
    ping().then(() => {
      if (!this.#isTooSlow) return;
      const tookMs = this.#clock.now() - began;
      if (tookMs <= this.#limitMs) {
        this.#isTooSlow = false;
        this.#onChange();
      } else this.#clock.after(this.#limitMs, () => this.#probe(ping));
    }, nothing);
  }
}

function nothing(): void {
  // What never answers has ended with its connection, and another one is judged anew.
}
