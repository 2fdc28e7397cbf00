import type { ResetPeriod } from "./usage-period.js";
import { usagePeriodAt } from "./usage-period.js";

/** What was consumed of one metered feature or one wallet. All timestamps are epoch milliseconds. */
export interface Usage {
  readonly currentUsage: number;
  /** From where usage periods are counted; belongs to the customer, not to the plan. */
  readonly periodAnchor?: number | undefined;
  readonly periodStart?: number | undefined;
  readonly periodEnd?: number | undefined;
  /** Orders writes: an older usage never replaces a newer one. */
  readonly updatedAt?: number | undefined;
}

export const NO_USAGE: Usage = Object.freeze({ currentUsage: 0 });

/**
 * The usage as it reads at `now`. Once its period has ended it is 0 in the period that contains `now`,
 * or 0 without a period where the anchor or the reset period is not known. At the very end of a period
 * it still reads as before.
 */
export function usageAt(usage: Usage, reset: ResetPeriod | undefined, now: number): Usage {
  if (usage.periodEnd === undefined || now <= usage.periodEnd) return usage;
  const period =
    usage.periodAnchor === undefined || reset === undefined ? undefined : usagePeriodAt(usage.periodAnchor, reset, now);
  return {
    currentUsage: 0,
    periodAnchor: usage.periodAnchor,
    periodStart: period?.start,
    periodEnd: period?.end,
    updatedAt: usage.updatedAt,
  };
}
