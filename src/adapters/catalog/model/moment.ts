import type { MomentInput } from "../file/catalog-input.js";

const ISO_MOMENT = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2}))?$/;
const LAST_DATE_MS = 8.64e15;

/** Epoch milliseconds, or undefined where the text is no date, or no date that every reader reads alike. */
export function parseMoment(moment: MomentInput): number | undefined {
  if (typeof moment === "number") return Math.abs(moment) <= LAST_DATE_MS ? moment : undefined;
  if (!ISO_MOMENT.test(moment)) return undefined;
  const day = Date.parse(moment.slice(0, 10));
  const parsed = Date.parse(moment);
  if (Number.isNaN(day) || Number.isNaN(parsed)) return undefined;
  // Date.parse takes 31 February for 3 March: what was written has to come out again.
  return new Date(day).toISOString().startsWith(moment.slice(0, 10)) ? parsed : undefined;
}
