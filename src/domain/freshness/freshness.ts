import type { ChangeEffect } from "../change.js";

/**
 * What is known of a subject is in one of these conditions, and every check is answered by it:
 *
 * - `fresh`: something vouches for it, and a check answers from it at once
 * - `stale`: it may have changed since; it serves while it is asked for again, or when nobody can be asked
 * - `unknown`: nothing is known
 *
 * What changes a condition is in TRANSITIONS, and as a picture in docs/freshness.md.
 */
export const CONDITIONS = ["fresh", "stale", "unknown"] as const;

export type Condition = (typeof CONDITIONS)[number];

/**
 * Why a state is stale.
 *
 * - `changed`: a change concerns it or may have been missed, and it is asked for again before it serves
 * - `due`: an entitlement of it has ended, or it was not to be believed for longer
 * - `stream_lost`: it serves, and since the stream was lost nothing vouches for it
 * - `too_old`: it serves, and is verified again in the background for its age
 */
export const STALE_REASONS = ["changed", "due", "stream_lost", "too_old"] as const;

export type StaleReason = (typeof STALE_REASONS)[number];

/** How a state is held: all that its condition depends on beside the time and the update stream. */
export interface Standing {
  /** Up to when it is known to have been true, epoch milliseconds. */
  readonly verifiedAt: number;
  /** From when on it has to be asked for again (an entitlement ends, negative knowledge expires), epoch milliseconds or Infinity. */
  readonly recheckAt: number;
  /** False where something may have been missed since. */
  readonly isVerified: boolean;
}

/** Whether a state has to be asked for again for its own end, whatever vouches for it. On the path of every check. */
export function isDue({ recheckAt }: Pick<Standing, "recheckAt">, now: number): boolean {
  return now >= recheckAt;
}

/** Whether a check may be answered from a state before anybody is asked. */
export function servesAtOnce(standing: Standing, now: number): boolean {
  return standing.isVerified && !isDue(standing, now);
}

/** @returns undefined where the state is fresh */
export function staleReason(
  standing: Standing,
  stream: Pick<StreamStatus, "isConnected" | "vouchesFor">,
  now: number,
): StaleReason | undefined {
  if (!standing.isVerified) return "changed";
  if (isDue(standing, now)) return "due";
  if (stream.vouchesFor(standing.verifiedAt, now)) return undefined;
  return stream.isConnected ? "too_old" : "stream_lost";
}

/**
 * What happens to what is known of a subject, and what becomes of it. Every store keeps to this table
 * (test/contract/cache-store.ts), and docs/freshness.md shows it with who causes what. Time is no event: that a state has
 * ended, or is too old, is found when it is looked at (staleReason).
 *
 * - `fetched`: upstream answered, and nothing came between
 * - `fetch-superseded`: upstream answered, but from before a change, or its answer may be behind what happened: it
 *   serves where nothing better is known, and takes nothing from what is
 * - `reported`: a change brought all entitlements of the subject
 * - `refined`: a change brought a part, as a usage, and says nothing of the rest
 * - `unaffected`: a change was not newer than what is known, or of something else
 * - `may-have-changed`: a change says no more, changes may have been missed, or another process wrote
 * - `restored`: read from a snapshot of an earlier process
 * - `removed`: evicted, forgotten, or reported as empty without a reason
 */
export const TRANSITIONS = {
  fetched: { fresh: "fresh", stale: "fresh", unknown: "fresh" },
  "fetch-superseded": { fresh: "fresh", stale: "stale", unknown: "stale" },
  reported: { fresh: "fresh", stale: "fresh", unknown: "fresh" },
  refined: { fresh: "fresh", stale: "stale", unknown: "unknown" },
  unaffected: { fresh: "fresh", stale: "stale", unknown: "unknown" },
  "may-have-changed": { fresh: "stale", stale: "stale", unknown: "unknown" },
  restored: { fresh: "stale", stale: "stale", unknown: "stale" },
  removed: { fresh: "unknown", stale: "unknown", unknown: "unknown" },
} as const satisfies Readonly<Record<string, Readonly<Record<Condition, Condition>>>>;

export type FreshnessEvent = keyof typeof TRANSITIONS;

export function becomes(condition: Condition, event: FreshnessEvent): Condition {
  return TRANSITIONS[event][condition];
}

/** What a change does to its subject, as an event. */
export const EVENT_OF_EFFECT = {
  replace: "reported",
  refine: "refined",
  "mark-stale": "may-have-changed",
  forget: "removed",
  none: "unaffected",
} as const satisfies Readonly<Record<ChangeEffect["effect"], FreshnessEvent>>;

/** How far a cache of upstream's is taken to be behind at most, milliseconds. */
export const UPSTREAM_LAG_MS = 120_000;

/**
 * Whether what a cache of upstream's answers may be from before what is known.
 *
 * @param askedAt epoch milliseconds
 * @param knownToBeTrueAt up to when what is known is known to have been true, epoch milliseconds
 */
export function mayPredate(askedAt: number, knownToBeTrueAt: number): boolean {
  return knownToBeTrueAt > askedAt - UPSTREAM_LAG_MS;
}

/** How a fetch came to its end. */
export interface EndOfFetch {
  /** A change of the subject arrived since it began. */
  readonly isSuperseded: boolean;
  /** The answer came from a cache of upstream's, which may be behind what is known to have happened. */
  readonly mayBeStale: boolean;
  /** Such an answer is asked for again within a second, so that it may serve until then. */
  readonly isAskedAgainSoon: boolean;
}

export function eventOfFetch(end: EndOfFetch): "fetched" | "fetch-superseded" {
  return end.isSuperseded || (end.mayBeStale && !end.isAskedAgainSoon) ? "fetch-superseded" : "fetched";
}

/** Ages are spread over this share of the greatest, so that what was learnt together is not verified again together. */
const SPREAD_SHARE = 0.25;
/** What spreads them: what is left of a timestamp besides whole seconds, milliseconds. */
const SPREADING_MS = 1_000;
/** How long a state is vouched for of which no changes can come by others, milliseconds. */
const VOUCHED_IN_SILENCE_MS = 30_000;
/** By how much clocks may differ, milliseconds. */
const CLOCK_TOLERANCE_MS = 60_000;
/**
 * Whether a time up to which a state was found to be true is one of a clock that was wrong, of this process or of another's: it
 * says nothing, and would vouch for the state until that time has come. On the path of every check.
 */
export function isAhead(verifiedAt: number, now: number): boolean {
  return verifiedAt > now + CLOCK_TOLERANCE_MS;
}

/**
 * Since when something may have changed, by a clock that may have been set back meanwhile: a time that is yet to come would speak
 * against everything until then, and so is taken for now.
 */
export function notAhead(changedAt: number, now: number): number {
  return isAhead(changedAt, now) ? now : changedAt;
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
  #unheardBefore = -Infinity;
  #areOthersSilent = false;

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

  /**
   * Changes from before this may have been heard by nobody who keeps the shared states up to date: they serve, and each is verified
   * once. Epoch milliseconds.
   */
  unheard(before: number): void {
    this.#unheardBefore = Math.max(this.#unheardBefore, before);
  }

  /**
   * Whether those who bring the changes to a process without a stream still hear them. Once they do not, nothing vouches for what was
   * verified before, and little for what is verified from then on. It is not asked for more often: they may all be many.
   *
   * @param now epoch milliseconds
   */
  othersHear(areHearing: boolean, now: number): void {
    this.#areOthersSilent = !areHearing;
    this.#lostAt = areHearing ? -Infinity : now;
  }

  /** Whether states are asked for again for their age alone, not since no changes arrive. */
  get isTrusted(): boolean {
    return this.#isConnected || this.#pollIntervalMs > this.#maxAgeMs;
  }

  /** States verified before this timestamp may have to be asked for again (see `isDue`); they serve meanwhile. Epoch milliseconds. */
  trustSince(now: number): number {
    return Math.max(now - this.#trustedForMs, this.#unheardBefore);
  }

  /** Whether a state verified before `trustSince` is to be asked for again by now. */
  isDue(verifiedAt: number, now: number): boolean {
    if (!this.isTrusted || verifiedAt < this.#unheardBefore) return true;
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

  /**
   * By a state that was verified before this nobody is denied while upstream can be asked: who has paid since would be denied
   * for its age alone. Epoch milliseconds.
   */
  deniesSince(now: number): number {
    return now - this.#maxAgeMs;
  }

  /** When the stream was lost, epoch milliseconds; -Infinity while it is connected, and where it never was. */
  get lostAt(): number {
    return this.#isConnected ? -Infinity : this.#lostAt;
  }

  /**
   * Nothing vouches for states verified before this: they are older than they may be, or a change may have been missed since
   * the stream was lost, or was heard by nobody. Epoch milliseconds.
   */
  vouchedSince(now: number): number {
    this.#unheardBefore = notAhead(this.#unheardBefore, now);
    this.#lostAt = notAhead(this.#lostAt, now);
    if (this.#isConnected) return Math.max(this.#unheardBefore, now - this.#maxAgeMs);
    const vouchedMs = this.#areOthersSilent ? VOUCHED_IN_SILENCE_MS : this.#pollIntervalMs;
    return Math.max(this.#unheardBefore, this.#lostAt, now - Math.min(vouchedMs, this.#maxAgeMs));
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
