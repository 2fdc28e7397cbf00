import type { Clock } from "../../ports/clock.js";

/** What is to happen once the process has caught up, unless it is cancelled before. */
export class Awaited {
  /** By `Clock.elapsed`. */
  readonly time: number;
  /** Undefined once it was called back, or cancelled: what it would have called is not kept alive. */
  callback: (() => void) | undefined;

  constructor(time: number, callback: () => void) {
    this.time = time;
    this.callback = callback;
  }
}

const LOOK_EVERY_MS = 10;

/**
 * Tells when this process has read what had arrived by a time. One that is behind has much to do for many at once: there is
 * one look for all of them.
 */
export class CaughtUp {
  readonly #clock: Clock;
  readonly #lastIdleAt: () => number;
  #waiting: Awaited[] = [];
  #live = 0;
  #isLookDue = false;

  /** @param lastIdleAt when it last had nothing left to do, by `Clock.elapsed`: by then it had read what had arrived */
  constructor(clock: Clock, lastIdleAt: () => number) {
    this.#clock = clock;
    this.#lastIdleAt = lastIdleAt;
  }

  /**
   * Calls back at once where it has read all up to that time.
   *
   * @param time by `Clock.elapsed`
   * @returns what to cancel; undefined where it was called back
   */
  whenReadUpTo(time: number, callback: () => void): Awaited | undefined {
    if (this.#lastIdleAt() >= time) {
      callback();
      return undefined;
    }
    const awaited = new Awaited(time, callback);
    this.#waiting.push(awaited);
    this.#live++;
    this.#lookLater();
    return awaited;
  }

  cancel(awaited: Awaited): void {
    if (awaited.callback === undefined) return;
    awaited.callback = undefined;
    if (--this.#live === 0) this.#waiting = [];
  }

  #lookLater(): void {
    if (this.#isLookDue) return;
    this.#isLookDue = true;
    this.#clock.after(LOOK_EVERY_MS, () => {
      this.#isLookDue = false;
      this.#look();
    });
  }

  #look(): void {
    if (this.#live === 0) return;
    const idleAt = this.#lastIdleAt();
    const waiting = this.#waiting;
    this.#waiting = waiting.filter(({ callback, time }) => callback !== undefined && time > idleAt);
    for (const awaited of waiting) {
      const { callback, time } = awaited;
      if (callback === undefined || time > idleAt) continue;
      awaited.callback = undefined;
      this.#live--;
      callback();
    }
    if (this.#live > 0) this.#lookLater();
  }
}
