import { CodedError } from "../../../../domain/errors.js";
import type { Clock } from "../../../../ports/clock.js";
import { type RedisCommands, redisIsLate } from "./redis-commands.js";

/** A Redis that is out of reach: every command fails at once, or is given up once its time is over. */
export class FailingRedisCommands implements RedisCommands {
  readonly isOverloaded = false;
  readonly #fault: "reset" | "hang";
  readonly #timeoutMs: number;
  readonly #clock: Clock;

  constructor(fault: "reset" | "hang", timeoutMs: number, clock: Clock) {
    this.#fault = fault;
    this.#timeoutMs = timeoutMs;
    this.#clock = clock;
  }

  get isSlow(): boolean {
    return this.#fault === "hang";
  }

  read(): Promise<never> {
    return this.#fail();
  }

  readLate(): Promise<never> {
    return this.#fail();
  }

  writeNewest(): Promise<never> {
    return this.#fail();
  }

  delete(): Promise<never> {
    return this.#fail();
  }

  lock(): Promise<never> {
    return this.#fail();
  }

  lockAndLook(): Promise<never> {
    return this.#fail();
  }

  unlock(): Promise<never> {
    return this.#fail();
  }

  publish(): Promise<never> {
    return this.#fail();
  }

  #fail(): Promise<never> {
    if (this.#fault === "reset")
      return Promise.reject(new CodedError("unavailable", "Redis cannot be reached (ECONNRESET), in a drill"));
    return new Promise((_, reject) => {
      this.#clock.after(this.#timeoutMs, () => reject(redisIsLate(this.#timeoutMs)));
    });
  }
}
