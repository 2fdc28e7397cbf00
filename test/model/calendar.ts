import type { ResetPeriod } from "../../src/domain/usage/usage-period.js";

/** Civil dates by counting days: nothing of the runtime's own calendar. */
export interface Period {
  readonly start: number;
  readonly end: number;
}

const DAY = 86_400_000;
const STEP: Partial<Record<ResetPeriod, number>> = { HOUR: DAY / 24, DAY, WEEK: 7 * DAY };

/** The period that contains `now`, of those that begin at the anchor and go on in both directions. */
export function periodOf(anchor: number, reset: ResetPeriod, now: number): Period {
  const step = STEP[reset];
  if (step !== undefined) {
    const start = now - ((((now - anchor) % step) + step) % step);
    return { start, end: start + step };
  }
  const months = reset === "YEAR" ? 12 : 1;
  let count = Math.floor((now - anchor) / (30 * DAY * months));
  while (monthsAfter(anchor, count * months) > now) count--;
  while (monthsAfter(anchor, (count + 1) * months) <= now) count++;
  return { start: monthsAfter(anchor, count * months), end: monthsAfter(anchor, (count + 1) * months) };
}

/** The same day and time some months later; the last day of a month that has no such day. */
function monthsAfter(timestamp: number, months: number): number {
  const days = Math.floor(timestamp / DAY);
  const { year, month, day } = dateOf(days);
  const total = year * 12 + (month - 1) + months;
  const [newYear, newMonth] = [Math.floor(total / 12), (((total % 12) + 12) % 12) + 1];
  return daysUntil(newYear, newMonth, Math.min(day, lengthOf(newYear, newMonth))) * DAY + (timestamp - days * DAY);
}

function isLeap(year: number): boolean {
  return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
}

function lengthOf(year: number, month: number): number {
  if (month === 2) return isLeap(year) ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}

/** Days from 1 January 1970 to 1 January of a year. */
function daysUntilYear(year: number): number {
  const leaps = (y: number) => Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400);
  return (year - 1970) * 365 + leaps(year - 1) - leaps(1969);
}

function daysUntil(year: number, month: number, day: number): number {
  let days = daysUntilYear(year);
  for (let each = 1; each < month; each++) days += lengthOf(year, each);
  return days + day - 1;
}

function dateOf(days: number): { readonly year: number; readonly month: number; readonly day: number } {
  let year = 1970 + Math.floor(days / 365.2425);
  while (daysUntilYear(year) > days) year--;
  while (daysUntilYear(year + 1) <= days) year++;
  let rest = days - daysUntilYear(year);
  let month = 1;
  while (rest >= lengthOf(year, month)) rest -= lengthOf(year, month++);
  return { year, month, day: rest + 1 };
}
