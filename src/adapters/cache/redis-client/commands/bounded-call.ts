import type { Clock } from "../../../../ports/clock.js";
import type { Telemetry } from "../../../../ports/telemetry.js";
import { redisFailure } from "../link/redis-failure.js";

/** One call of a command by the application, of however many round trips: within the time limit, counted where it fails. */
export class BoundedCall {
  readonly #clock: Clock;
  readonly #telemetry: Telemetry;
  readonly #limitMs: number;

  constructor(clock: Clock, telemetry: Telemetry, limitMs: number) {
    this.#clock = clock;
    this.#telemetry = telemetry;
    this.#limitMs = limitMs;
  }

  /**
   * The same without the time limit: an answer counts however late it comes, until the connection ends.
   *
   * @throws CodedError alone
   */
  async runLate<T>(work: (deadline: number) => Promise<T>): Promise<T> {
    try {
      return await work(Infinity);
    } catch (error) {
      this.#telemetry.redisClientErrors++;
      throw redisFailure(error);
    }
  }

  /** @throws CodedError alone */
  async run<T>(work: (deadline: number) => Promise<T>): Promise<T> {
    try {
      return await work(this.#clock.now() + this.#limitMs);
    } catch (error) {
      this.#telemetry.redisClientErrors++;
      throw redisFailure(error);
    }
  }
}
