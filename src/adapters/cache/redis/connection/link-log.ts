import type { Logger } from "../../../../ports/logger.js";
import { reasonOf } from "./redis-failure.js";

/** How many reasons for one and the same loss are worth a line each. */
const MAX_REASONS = 5;

/** One line for each change of state of a connection, however many commands and attempts it takes to see it. */
export class LinkLog {
  readonly #redis: string;
  readonly #logger: Logger;
  readonly #reasons = new Set<string>();
  #isTooSlow = false;
  #refusesWrites = false;

  constructor(redis: string, logger: Logger) {
    this.#redis = redis;
    this.#logger = logger;
  }

  connected(): void {
    this.#reasons.clear();
    this.#isTooSlow = false;
    this.#logger.info("connected to Redis", { redis: this.#redis });
  }

  /** Attempts that fail for the same reason are the same state. */
  lost(error: Error): void {
    const reason = reasonOf(error);
    if (this.#reasons.has(reason) || this.#reasons.size === MAX_REASONS) return;
    this.#reasons.add(reason);
    this.#logger.warn("there is no connection to Redis", { redis: this.#redis, reason });
  }

  tooSlow(limitMs: number): void {
    if (this.#isTooSlow) return;
    this.#isTooSlow = true;
    this.#logger.warn("Redis does not answer in time and is not asked for now", { redis: this.#redis, limitMs });
  }

  inTime(): void {
    if (!this.#isTooSlow) return;
    this.#isTooSlow = false;
    this.#logger.info("Redis answers in time again", { redis: this.#redis });
  }

  refusesWrites(error: Error): void {
    if (this.#refusesWrites) return;
    this.#refusesWrites = true;
    this.#logger.warn("Redis refuses writes; what it has is still read", { redis: this.#redis, reason: reasonOf(error) });
  }

  acceptsWrites(): void {
    if (!this.#refusesWrites) return;
    this.#refusesWrites = false;
    this.#logger.info("Redis accepts writes again", { redis: this.#redis });
  }
}
