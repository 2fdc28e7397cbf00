/** Ages are spread over this share of the greatest, so that what was learnt together is not verified again together. */
const SPREAD_SHARE = 0.25;
/** What spreads them: what is left of a timestamp besides whole seconds, milliseconds. */
const SPREADING_MS = 1_000;

/** By how much clocks may differ, milliseconds. */
const CLOCK_TOLERANCE_MS = 60_000;

/**
 * Whether a time up to which a state was found to be true is one of a clock that was wrong, of this process or of another's: it
 * says nothing, and would vouch for the state until that time has come. On the path of every check.
 */
export function isAhead(verifiedAt: number, now: number): boolean {
  return verifiedAt > now + CLOCK_TOLERANCE_MS;
}

/** What there is to do about a state that serves: nothing, to ask for it again since no changes arrive, or to verify it for its age. */
export type Revisit = "none" | "refresh" | "verify";

/** Whether changes arrive, and so how far back a cached state may be trusted without asking again. */
export class StreamStatus {
  readonly #pollIntervalMs: number;
  readonly #maxAgeMs: number;
  #isConnected = false;
  /** Precomputed, since every check subtracts it. */
  #trustedForMs = 0;
  #lostAt = -Infinity;

  /**
   * @param pollIntervalMs how old a state may be while no changes arrive, before it is asked for again
   * @param maxAgeMs how old it may be although they do: one can be lost by anybody
   */
  constructor(pollIntervalMs: number, maxAgeMs = Infinity) {
    this.#pollIntervalMs = pollIntervalMs;
    this.#maxAgeMs = maxAgeMs;
    this.#enter(false);
  }

  get isConnected(): boolean {
    return this.#isConnected;
  }

  connected(): void {
    this.#enter(true);
  }

  /** @param now epoch milliseconds */
  disconnected(now: number): void {
    this.#lostAt = now;
    this.#enter(false);
  }

  /** Whether it is age alone for which states are asked for again, not that no changes arrive. */
  get isTrusted(): boolean {
    return this.#isConnected || this.#pollIntervalMs > this.#maxAgeMs;
  }

  /** States verified before this timestamp may have to be asked for again (see `isDue`); they serve meanwhile. Epoch milliseconds. */
  trustSince(now: number): number {
    return now - this.#trustedForMs;
  }

  /** Whether a state verified before `trustSince` is to be asked for again by now. */
  isDue(verifiedAt: number, now: number): boolean {
    if (!this.isTrusted) return true;
    const spread = (Math.abs(verifiedAt) % SPREADING_MS) / SPREADING_MS;
    return now - verifiedAt > this.#maxAgeMs * (1 - SPREAD_SHARE * spread);
  }

  /**
   * The one rule for a state that answers a check, be it cached, read from a store or just brought: what is said of it follows
   * from `vouchesFor`, what is done about it from this. On the path of every check.
   */
  revisit(verifiedAt: number, now: number): Revisit {
    if (!isAhead(verifiedAt, now) && (verifiedAt >= this.trustSince(now) || !this.isDue(verifiedAt, now)))
      return "none";
    return this.isTrusted ? "verify" : "refresh";
  }

  /** Whether anything says that a state verified then is still true. On the path of every check. */
  vouchesFor(verifiedAt: number, now: number): boolean {
    return verifiedAt >= this.vouchedSince(now) && !isAhead(verifiedAt, now);
  }

  /** When the stream was lost, epoch milliseconds; -Infinity while it is connected, and where it never was. */
  get lostAt(): number {
    return this.#isConnected ? -Infinity : this.#lostAt;
  }

  /**
   * Nothing vouches for states verified before this: they are older than they may be, or a change may have been missed since
   * the stream was lost. Epoch milliseconds.
   */
  vouchedSince(now: number): number {
    return this.#isConnected
      ? now - this.#maxAgeMs
      : Math.max(this.#lostAt, now - Math.min(this.#pollIntervalMs, this.#maxAgeMs));
  }

  #enter(isConnected: boolean): void {
    this.#isConnected = isConnected;
    this.#trustedForMs = this.isTrusted ? this.#maxAgeMs * (1 - SPREAD_SHARE) : this.#pollIntervalMs;
  }
}

/**
 * Who brings the updates of cached states.
 *
 * - `own-stream`: this process, by an update stream of its own
 * - `others`: another process, by way of the store that both share; nothing has to be asked for again for its age alone
 * - `nobody`: states are asked for again once they are old
 */
export type UpdateSource = "own-stream" | "others" | "nobody";

/**
 * The one rule of it: who shares a store leaves the updates to whoever keeps that store up to date, and has a stream of
 * its own only where that is asked for; everybody else has one unless that is refused.
 *
 * @param wantsStream undefined: nothing was said
 */
export function updateSourceOf(sharesStore: boolean, wantsStream: boolean | undefined): UpdateSource {
  if (wantsStream === true) return "own-stream";
  if (sharesStore) return "others";
  return wantsStream === false ? "nobody" : "own-stream";
}
