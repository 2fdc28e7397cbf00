import { doubledMs, inUpperHalf, type Random } from "../../ports/clock.js";
import type { StreamFault } from "./websocket-client.js";

/**
 * When to try again: at once after a stream that had lasted, then ever later, spread evenly from 0 to a maximum
 * so that those who lost upstream together do not come back together. Times are by `Clock.elapsed`.
 */
export class ReconnectSchedule {
  readonly #timing: StreamTiming;
  readonly #random: Random;
  #tries = 0;
  /** Since when there has been no stream. */
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

/** All times of the update stream, in milliseconds. */
export interface StreamTiming {
  /** How long a connection may take until upstream has acknowledged it. */
  readonly acknowledgeTimeoutMs: number;
  /** How often upstream is pinged. A connection on which nothing has come for three of these is given up. */
  readonly pingIntervalMs: number;
  /** How long after upstream has read a subscription it is taken to be live, unless upstream refuses it. */
  readonly settleMs: number;
  /** The longest second wait before a connection is tried again; the first is 0. It doubles up to a maximum. */
  readonly firstDelayMs: number;
  /** The longest waits, by how long there has been no stream; the last one has no end. */
  readonly maxDelays: readonly { readonly untilMs: number; readonly maxDelayMs: number }[];
  /** The longest wait after upstream has refused the API key. */
  readonly refusedDelayMs: number;
  /** How long a stream has to last before its loss is taken for a new one. */
  readonly stableAfterMs: number;
  /** At most one event that cannot be told whose it is marks everything stale within this time. */
  readonly lostEventIntervalMs: number;
  /** How long upstream may take to agree to the end of a connection. */
  readonly closeTimeoutMs: number;
}

export const DEFAULT_STREAM_TIMING: StreamTiming = Object.freeze({
  acknowledgeTimeoutMs: 10_000,
  pingIntervalMs: 5_000,
  settleMs: 100,
  firstDelayMs: 250,
  maxDelays: Object.freeze([
    { untilMs: 10_000, maxDelayMs: 700 },
    { untilMs: 60_000, maxDelayMs: 4_500 },
    { untilMs: Infinity, maxDelayMs: 30_000 },
  ]),
  refusedDelayMs: 30_000,
  stableAfterMs: 10_000,
  lostEventIntervalMs: 1_000,
  closeTimeoutMs: 250,
});
