import type { ChangeEffect } from "../apply-subject-change.js";
import type { Condition } from "./freshness.js";

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

/** How a fetch came to its end. */
export interface EndOfFetch {
  /** A change of the subject arrived since it began. */
  readonly isSuperseded: boolean;
  /** The answer came from a cache of upstream's, which may be behind what is known to have happened. */
  readonly mayBeStale: boolean;
  /** Such an answer is asked for again within a second, so that it may serve until then. */
  readonly isAskedAgainSoon: boolean;
}

export function eventOfFetch({
  isSuperseded,
  mayBeStale,
  isAskedAgainSoon,
}: EndOfFetch): "fetched" | "fetch-superseded" {
  return isSuperseded || (mayBeStale && !isAskedAgainSoon) ? "fetch-superseded" : "fetched";
}
