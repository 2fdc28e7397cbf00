import type { Clock } from "../../../../ports/clock.js";
import type { Logger } from "../../../../ports/logger.js";
import { reasonOf } from "../link/redis-failure.js";

/** How long it is believed that scripts are forbidden, milliseconds. */
const LOOK_AGAIN_MS = 30_000;

/** Whether a user may run scripts: in some managed Redis nobody may. */
export class ScriptAccess {
  readonly #redis: string;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #forbiddenAt: number | undefined;
  #isReported = false;

  constructor(redis: string, clock: Clock, logger: Logger) {
    this.#redis = redis;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** Whether it is worth to try. */
  get isLikely(): boolean {
    return this.#forbiddenAt === undefined || Math.abs(this.#clock.now() - this.#forbiddenAt) >= LOOK_AGAIN_MS;
  }

  forbidden(refusal: Error): void {
    this.#forbiddenAt = this.#clock.now();
    if (this.#isReported) return;
    this.#isReported = true;
    this.#logger.warn(
      "Redis forbids scripts (EVAL, EVALSHA) to this user: states are written by WATCH, MULTI and SET, one write at a time and two round trips each; allow @scripting for the full rate",
      { redis: this.#redis, reason: reasonOf(refusal) },
    );
  }

  allowed(): void {
    this.#forbiddenAt = undefined;
    if (!this.#isReported) return;
    this.#isReported = false;
    this.#logger.info("Redis allows scripts again", { redis: this.#redis });
  }
}
