import type { Logger } from "../../../../ports/logger.js";
import { reasonOf, remedyFor } from "./redis-failure.js";

/** One line for each change of state of a connection, however many commands and attempts it takes to see it. */
export class LinkLog {
  readonly #redis: string;
  readonly #logger: Logger;
  readonly #remedies = new Set<string>();
  #isLost = false;
  #isTooSlow = false;
  #refusesWrites = false;

  constructor(redis: string, logger: Logger) {
    this.#redis = redis;
    this.#logger = logger;
  }

  connected(): void {
    this.#remedies.clear();
    this.#isLost = false;
    this.#isTooSlow = false;
    this.#logger.info("connected to Redis", { redis: this.#redis });
  }

  /** Attempts that fail later on are the same state, unless their reason is one that only the operator can end. */
  lost(error: Error): void {
    const remedy = remedyFor(error);
    if (this.#isLost && (remedy === undefined || this.#remedies.has(remedy))) return;
    this.#isLost = true;
    if (remedy !== undefined) this.#remedies.add(remedy);
    this.#logger.warn("there is no connection to Redis", { redis: this.#redis, reason: reasonOf(error) });
  }

  tooSlow(limitMs: number): void {
    if (this.#isTooSlow) return;
    this.#isTooSlow = true;
    this.#logger.warn("Redis does not answer in time: upstream is asked beside it, and nothing is written to it for now", { redis: this.#redis, limitMs });
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
