import { doubledMs, inUpperHalf, type Random } from "../../ports/back-off.js";
import type { StreamFault } from "./stream-fault.js";
import type { StreamTiming } from "./stream-timing.js";

/**
 * When to try again: at once after a stream that had lasted, then ever later, spread evenly from 0 to a maximum
 * so that those who lost upstream together do not come back together.
 */
export class ReconnectSchedule {
  readonly #timing: StreamTiming;
  readonly #random: Random;
  #tries = 0;
  /** Since when there has been no stream, epoch milliseconds. */
  #withoutSince: number | undefined;
  /** Since when there has been none that lasted. */
  #unsteadySince: number | undefined;
  #establishedAt: number | undefined;

  constructor(timing: StreamTiming, random: Random) {
    this.#timing = timing;
    this.#random = random;
  }

  established(now: number): void {
    this.#establishedAt ??= now;
  }

  /** @returns how long to wait before the next try, milliseconds */
  delayAfter(kind: StreamFault["kind"], now: number): number {
    // A stream that comes and goes at once is no stream: to start over each time would be a tight loop.
    if (this.#establishedAt !== undefined && now - this.#establishedAt >= this.#timing.stableAfterMs) this.#startOver();
    if (this.#establishedAt !== undefined) this.#withoutSince = undefined;
    this.#establishedAt = undefined;
    this.#withoutSince ??= now;
    this.#unsteadySince ??= now;
    const tries = this.#tries++;
    switch (kind) {
      case "refused":
        return inUpperHalf(this.#timing.refusedDelayMs, this.#random);
      case "throttled":
        return inUpperHalf(this.#longestDelayMs(now), this.#random);
      case "lost":
        return tries === 0 ? 0 : this.#random() * this.#longestAfter(tries - 1, now);
    }
  }

  #longestAfter(waits: number, now: number): number {
    const { firstDelayMs } = this.#timing;
    return doubledMs({ firstDelayMs, longestDelayMs: this.#longestDelayMs(now) }, waits);
  }

  #startOver(): void {
    this.#tries = 0;
    this.#unsteadySince = undefined;
  }

  /** For a stream that comes and goes not the shortest one, and never the one for an upstream that is gone for good. */
  #longestDelayMs(now: number): number {
    const { maxDelays } = this.#timing;
    const withoutMs = now - (this.#withoutSince ?? now);
    const unsteadyMs = now - (this.#unsteadySince ?? now);
    const countedMs = Math.max(withoutMs, Math.min(unsteadyMs, maxDelays[0]?.untilMs ?? 0));
    return (maxDelays.find(({ untilMs }) => countedMs < untilMs) ?? maxDelays.at(-1))?.maxDelayMs ?? 0;
  }
}
