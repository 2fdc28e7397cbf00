import type { CustomerState } from "../customer-state.js";
import { usageAt } from "../usage/usage.js";

const SECOND_MS = 1_000;

/**
 * Which reports of one feature may be told to upstream as one: those of one usage period. Where it is not known when the
 * periods end, those of one second, so that none is counted more than that from its period.
 *
 * @param state what is known of the subject; undefined: nothing
 * @param timestamp of the report, epoch milliseconds
 * @returns the end of the period, Infinity where there are no periods; below 0: a second of unknown periods
 */
export function usageGroup(state: CustomerState | undefined, featureId: string, timestamp: number): number {
  const entitlement = state?.feature(featureId);
  if (state === undefined || entitlement?.kind !== "metered") return ofSecond(timestamp);
  const usage = usageAt(state.featureUsage(featureId), entitlement.resetPeriod, timestamp);
  if (usage.periodEnd === undefined) return entitlement.resetPeriod === undefined ? Infinity : ofSecond(timestamp);
  const isWithin = timestamp <= usage.periodEnd && usage.periodStart !== undefined && timestamp >= usage.periodStart;
  return isWithin ? usage.periodEnd : ofSecond(timestamp);
}

/** Whether reports of a group belong to the usage period that contains `now`, as far as is known. */
export function isGroupCurrent(group: number, now: number): boolean {
  return group < 0 || now <= group;
}

function ofSecond(timestamp: number): number {
  return -1 - Math.floor(Math.max(0, timestamp) / SECOND_MS);
}
