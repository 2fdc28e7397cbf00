import type { TimestampInput } from "../file/catalog-input.js";

const ISO_TIMESTAMP = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2}))?$/;
const LAST_DATE_MS = 8.64e15;

/** Epoch milliseconds, or undefined where the text is no date, or no date that every reader reads alike. */
export function parseTimestamp(timestamp: TimestampInput): number | undefined {
  if (typeof timestamp === "number") return Math.abs(timestamp) <= LAST_DATE_MS ? timestamp : undefined;
  if (!ISO_TIMESTAMP.test(timestamp)) return undefined;
  const day = Date.parse(timestamp.slice(0, 10));
  const parsed = Date.parse(timestamp);
  if (Number.isNaN(day) || Number.isNaN(parsed)) return undefined;
  // Date.parse takes 31 February for 3 March: what was written has to come out again.
  return new Date(day).toISOString().startsWith(timestamp.slice(0, 10)) ? parsed : undefined;
}
