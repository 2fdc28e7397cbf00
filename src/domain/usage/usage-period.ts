/** From the longest to the shortest. */
export const RESET_PERIODS = ["YEAR", "MONTH", "WEEK", "DAY", "HOUR"] as const;

export type ResetPeriod = (typeof RESET_PERIODS)[number];

/** Half open: usage belongs to the period from `start` on and before `end`. Epoch milliseconds, UTC. */
export interface UsagePeriod {
  readonly start: number;
  readonly end: number;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** The last time that a date can hold, epoch milliseconds (ECMA-262, 21.4.1.1). */
const LAST_DATE_MS = 8.64e15;

/**
 * The usage period that contains `now`: the anchor moved by whole calendar steps in UTC.
 *
 * A month or year step from a day that the target month does not have lands on its last day, and the
 * next step counts from the anchor again, not from that day: an anchor on the 31st gives periods that
 * start on 28 February, 31 March, 30 April. An anchor after `now` counts backwards.
 *
 * @param anchor epoch milliseconds
 * @param now epoch milliseconds
 * @returns undefined when either timestamp is not a date
 */
export function usagePeriodAt(anchor: number, reset: ResetPeriod, now: number): UsagePeriod | undefined {
  if (!isDate(anchor) || !isDate(now)) return undefined;
  switch (reset) {
    case "YEAR":
      return calendarPeriodAt(anchor, 12, now);
    case "MONTH":
      return calendarPeriodAt(anchor, 1, now);
    case "WEEK":
      return fixedPeriodAt(anchor, 7 * DAY_MS, now);
    case "DAY":
      return fixedPeriodAt(anchor, DAY_MS, now);
    case "HOUR":
      return fixedPeriodAt(anchor, HOUR_MS, now);
  }
}

function fixedPeriodAt(anchor: number, stepMs: number, now: number): UsagePeriod {
  const start = anchor + Math.floor((now - anchor) / stepMs) * stepMs;
  return { start, end: start + stepMs };
}

function calendarPeriodAt(anchor: number, stepMonths: number, now: number): UsagePeriod {
  let steps = Math.floor(monthsBetween(anchor, now) / stepMonths);
  // Whole months say nothing of the day and time within the month, so the estimate can be one step late.
  if (addMonths(anchor, steps * stepMonths) > now) steps -= 1;
  return { start: addMonths(anchor, steps * stepMonths), end: addMonths(anchor, (steps + 1) * stepMonths) };
}

function monthsBetween(from: number, to: number): number {
  const a = new Date(from);
  const b = new Date(to);
  return (b.getUTCFullYear() - a.getUTCFullYear()) * 12 + b.getUTCMonth() - a.getUTCMonth();
}

function addMonths(timestamp: number, months: number): number {
  const date = new Date(timestamp);
  const day = date.getUTCDate();
  date.setUTCDate(1);
  date.setUTCMonth(date.getUTCMonth() + months);
  date.setUTCDate(Math.min(day, daysInMonth(date)));
  return date.getTime();
}

function daysInMonth(date: Date): number {
  const lastDay = new Date(date.getTime());
  lastDay.setUTCMonth(lastDay.getUTCMonth() + 1, 0);
  return lastDay.getUTCDate();
}

function isDate(timestamp: number): boolean {
  return Number.isFinite(timestamp) && Math.abs(timestamp) <= LAST_DATE_MS;
}
