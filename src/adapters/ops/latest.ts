import type { Clock } from "../../ports/clock.js";

/** How many are kept. */
const KEPT = 50;

/** The latest of what happens, for whoever looks at the service, each with when it happened, epoch milliseconds. */
export class Latest<T extends object> {
  readonly #clock: Clock;
  readonly #kept: (T & { readonly at: number })[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(event: T): void {
    this.#kept.push({ ...event, at: this.#clock.now() });
    if (this.#kept.length > KEPT) this.#kept.shift();
  }

  get last(): T | undefined {
    return this.#kept.at(-1);
  }

  /** The latest first. */
  get all(): readonly (T & { readonly at: number })[] {
    return [...this.#kept].reverse();
  }
}
