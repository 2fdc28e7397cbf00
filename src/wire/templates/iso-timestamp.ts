const DAY_MS = 86_400_000;
const SHORTEST_MONTH = 28;

/** A day's beginning is worked out once for all timestamps of it. */
let knownDay = "";
let knownDayMs = NaN;

/**
 * The time that stands in a text in the form 2026-01-01T00:00:00.000Z.
 *
 * @returns epoch milliseconds; NaN where there is none in this form
 */
export function timestampAt(text: string, at: number): number {
  if (
    text[at + 10] !== "T" ||
    text[at + 13] !== ":" ||
    text[at + 16] !== ":" ||
    text[at + 19] !== "." ||
    text[at + 23] !== "Z"
  )
    return NaN;
  const day = text.slice(at, at + 10);
  if (day !== knownDay) {
    knownDayMs = beginningOf(day);
    knownDay = day;
  }
  const hours = digits(text, at + 11, 2);
  const minutes = digits(text, at + 14, 2);
  const seconds = digits(text, at + 17, 2);
  if (!(hours < 24 && minutes < 60 && seconds < 60)) return NaN;
  return knownDayMs + hours * 3_600_000 + minutes * 60_000 + seconds * 1_000 + digits(text, at + 20, 3);
}

function beginningOf(day: string): number {
  if (day[4] !== "-" || day[7] !== "-") return NaN;
  const year = digits(day, 0, 4);
  const month = digits(day, 5, 2);
  const ofMonth = digits(day, 8, 2);
  if (!(year >= 1000 && month >= 1 && month <= 12 && ofMonth >= 1)) return NaN;
  if (ofMonth <= SHORTEST_MONTH) return Date.UTC(year, month - 1) + (ofMonth - 1) * DAY_MS;
  const timestamp = Date.parse(`${day}T00:00:00.000Z`);
  return Number.isNaN(timestamp) ? NaN : timestamp;
}

/** NaN where one of them is no digit. */
function digits(text: string, at: number, count: number): number {
  let value = 0;
  for (let index = at; index < at + count; index++) {
    const digit = text.charCodeAt(index) - 48;
    if (!(digit >= 0 && digit <= 9)) return NaN;
    value = value * 10 + digit;
  }
  return value;
}
