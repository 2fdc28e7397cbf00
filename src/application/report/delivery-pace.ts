import { retryAfterMsOf } from "../../domain/outbox/report-failure.js";
import { doubledMs, inUpperHalf, type Random } from "../../ports/clock.js";
import type { SteadyTime } from "../../ports/steady-time.js";

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

  /** Refused, it may be, for what was asked alone: the next request, which is another, need not wait longer each time. */
  refusedWithoutWord(): void {
    this.#failures = Math.max(1, this.#failures);
    this.#resumeAt = this.#time.now() + this.#limits.firstBackOffMs;
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

/** So many of something within any window of time, and no more. */
export class SlidingBudget {
  readonly #limit: number;
  readonly #windowMs: number;
  #taken: { readonly at: number; readonly count: number }[] = [];
  #used = 0;

  /** @param limit 1 or more */
  constructor(limit: number, windowMs: number) {
    this.#limit = limit;
    this.#windowMs = windowMs;
  }

  /** How many may be taken now, at most. @param now by a clock that nobody sets, milliseconds */
  available(now: number): number {
    let over = 0;
    for (const { at, count } of this.#taken) {
      if (now - at < this.#windowMs) break;
      this.#used -= count;
      over++;
    }
    if (over > 0) this.#taken = this.#taken.slice(over);
    return this.#limit - this.#used;
  }

  take(count: number, now: number): boolean {
    if (this.available(now) < count) return false;
    this.#used += count;
    this.#taken.push({ at: now, count });
    return true;
  }

  /** Milliseconds until more may be taken than now; 0 where nothing was. */
  waitMs(now: number): number {
    const [first] = this.#taken;
    return first === undefined ? 0 : Math.max(1, first.at + this.#windowMs - now);
  }
}

/** Within what reports are delivered. */
export interface DeliveryLimits {
  readonly reportsPerMinute: number;
  readonly bulksPerMinute: number;
  readonly reportsPerBulk: number;
  readonly eventsPerSecond: number;
  readonly eventsPerBatch: number;
  /** How many requests are unanswered at the same time. */
  readonly maxInFlight: number;
  /** While less than a bulk waits, this long passes between two requests: what comes meanwhile goes together, milliseconds. */
  readonly spacingMs: number;
  /** The longest wait after the first failure, doubled with each that follows, and the longest of all; milliseconds. */
  readonly firstBackOffMs: number;
  readonly longestBackOffMs: number;
  /** For how long upstream is sure to know an idempotency key again, milliseconds. */
  readonly deduplicationMs: number;
  /** How long the end of the process waits for answers, milliseconds. */
  readonly closeMs: number;
}

/** The vendor's, and what goes well with them. */
export const DELIVERY_LIMITS: DeliveryLimits = {
  reportsPerMinute: 3_000,
  bulksPerMinute: 600,
  reportsPerBulk: 100,
  eventsPerSecond: 1_000,
  eventsPerBatch: 1_000,
  maxInFlight: 4,
  spacingMs: 100,
  firstBackOffMs: 1_000,
  longestBackOffMs: 60_000,
  // An hour less than the vendor's 24: clocks differ, and a request takes its time.
  deduplicationMs: 23 * 3_600_000,
  closeMs: 2_000,
};
