import type { CancelTimer, Clock } from "./clock.js";

/** How far the wall clock and the timers may part before one was set, milliseconds. */
const TICK_MS = 10_000;

/** Milliseconds that pass however the wall clock is set: between two ticks of a timer it counts no more than a tick. */
export class SteadyTime {
  readonly #clock: Clock;
  #elapsed = 0;
  #tickAt: number;
  #cancel: CancelTimer = () => undefined;
  readonly #onSetBack: (byMs: number) => void;

  /** @param onSetBack called with less than 0 where the wall clock was set back. Forward it cannot be distinguished from a machine that slept */
  constructor(clock: Clock, onSetBack: (byMs: number) => void = () => undefined) {
    this.#clock = clock;
    this.#onSetBack = onSetBack;
    this.#tickAt = clock.now();
  }

  start(): void {
    this.#cancel = this.#clock.after(TICK_MS, () => {
      const now = this.#clock.now();
      const byMs = now - this.#tickAt - TICK_MS;
      this.#elapsed += TICK_MS;
      this.#tickAt = now;
      if (byMs < -TICK_MS / 2) this.#onSetBack(byMs);
      this.start();
    });
  }

  stop(): void {
    this.#cancel();
  }

  /** Never goes back by more than a tick. */
  now(): number {
    return this.#elapsed + Math.min(Math.max(0, this.#clock.now() - this.#tickAt), TICK_MS);
  }
}

/** By how much a clock may be behind what it wrote down before it was set back, milliseconds. */
const BEHIND_MS = 60_000;

/**
 * Whether upstream may have forgotten the key of a try whose outcome is not known. Where it cannot be told how long ago
 * that was, it may.
 *
 * @param triedAt epoch milliseconds
 * @param triedSteadyAt of `SteadyTime`; undefined: an earlier process tried
 * @param latestAt the latest time in the outbox, epoch milliseconds
 */
export function isTooLate(
  triedAt: number,
  triedSteadyAt: number | undefined,
  latestAt: number,
  {
    clock,
    time,
    limits,
  }: { readonly clock: Clock; readonly time: SteadyTime; readonly limits: { readonly deduplicationMs: number } },
): boolean {
  const now = clock.now();
  const elapsed =
    triedSteadyAt === undefined
      ? Math.max(now, latestAt) - triedAt
      : Math.max(now - triedAt, time.now() - triedSteadyAt);
  return elapsed > limits.deduplicationMs || (triedSteadyAt === undefined && now < latestAt - BEHIND_MS);
}
