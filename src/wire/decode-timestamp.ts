/** The last time that a date can hold, epoch milliseconds (ECMA-262, 21.4.1.1). */
const LAST_DATE_MS = 8.64e15;

const ISO_DATE = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(Z|[+-]\d{2}(?::?\d{2})?)?)?$/i;
const EPOCH_DIGITS = /^-?\d{11,16}$/;

/**
 * Reads a timestamp as upstream spells it: an ISO date, or epoch milliseconds as a number or in digits. Both
 * spellings occur for the same field. A date without an offset is UTC, whatever zone this machine is in.
 *
 * @returns epoch milliseconds, or undefined where the value is not a date
 */
export function decodeTimestamp(value: unknown): number | undefined {
  if (typeof value === "number") return dateOrNothing(value);
  if (typeof value !== "string") return undefined;
  if (EPOCH_DIGITS.test(value)) return dateOrNothing(Number(value));
  const iso = ISO_DATE.exec(value);
  if (iso === null) return undefined;
  const hasTimeWithoutOffset = value.length > "2026-01-01".length && iso[1] === undefined;
  return dateOrNothing(Date.parse(hasTimeWithoutOffset ? `${value}Z` : value));
}

function dateOrNothing(timestamp: number): number | undefined {
  return Number.isFinite(timestamp) && Math.abs(timestamp) <= LAST_DATE_MS ? timestamp : undefined;
}
