import type { StreamStatus } from "./stream-status.js";

/**
 * What is known of a subject is in one of these conditions, and every check is answered by it:
 *
 * - `fresh`: something vouches for it, and a check answers from it at once
 * - `stale`: it may have changed since; it serves while it is asked for again, or when nobody can be asked
 * - `unknown`: nothing is known
 *
 * What changes a condition is in transitions.ts, and as a picture in docs/freshness.md.
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
