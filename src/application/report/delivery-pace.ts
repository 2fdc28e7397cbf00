import { retryAfterMsOf } from "../../domain/outbox/report-failure.js";
import { doubledMs, inUpperHalf, type Random } from "../../ports/back-off.js";
import type { SteadyTime } from "../../ports/steady-time.js";
import type { DeliveryLimits } from "./delivery-limits.js";

/** How often it is looked whether upstream is asked again, milliseconds. */
const BREAKER_MS = 1_000;

/** Whether the next request may go out: after failures they go one at a time, with longer and longer waits between. */
export class DeliveryPace {
  readonly #limits: DeliveryLimits;
  readonly #time: SteadyTime;
  readonly #isUpstreamDown: () => boolean;
  readonly #random: Random;
  #inFlight = 0;
  #failures = 0;
  #resumeAt = 0;

  /** @param isUpstreamDown whether a circuit breaker says so. */
  constructor(limits: DeliveryLimits, time: SteadyTime, isUpstreamDown: () => boolean, random: Random) {
    this.#limits = limits;
    this.#time = time;
    this.#isUpstreamDown = isUpstreamDown;
    this.#random = random;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Milliseconds until a request may go out: 0 is now, Infinity once one is answered. */
  waitMs(): number {
    if (this.#inFlight >= (this.#failures === 0 ? this.#limits.maxInFlight : 1)) return Infinity;
    const wait = this.#resumeAt - this.#time.now();
    if (wait > 0) return wait;
    return this.#isUpstreamDown() ? BREAKER_MS : 0;
  }

  began(): void {
    this.#inFlight++;
  }

  /** What began is over, whatever came of it, and written down. */
  ended(): void {
    this.#inFlight--;
  }

  /** Upstream answered, be it by a refusal of what it was asked. */
  answered(): void {
    this.#failures = 0;
  }

  failed(error: unknown): void {
    this.#failures++;
    this.#resumeAt = this.#time.now() + Math.max(this.backOffMs(this.#failures), retryAfterMsOf(error));
  }

  /** Nothing was asked: it could not be noted that it is going to be. */
  abandoned(): void {
    this.#resumeAt = this.#time.now() + this.#limits.firstBackOffMs;
  }

  /** Spread evenly over its upper half. */
  backOffMs(failures: number): number {
    const { firstBackOffMs: firstDelayMs, longestBackOffMs: longestDelayMs } = this.#limits;
    return inUpperHalf(doubledMs({ firstDelayMs, longestDelayMs }, failures - 1), this.#random);
  }
}
