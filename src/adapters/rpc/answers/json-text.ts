import { type DescEnum, toJson } from "@bufbuild/protobuf";
import { TimestampSchema } from "@bufbuild/protobuf/wkt";
import { secondsOf } from "./frame-writer.js";
import { encodeTimestamp } from "./message-encoders.js";

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

const TWO_DIGITS = Array.from({ length: 60 }, (_, number) => String(number).padStart(2, "0"));

/** JSON itself has no infinite numbers, and what is not one. */
export function numberText(value: number): string {
  return Number.isFinite(value) ? `${value}` : `"${value}"`;
}

/**
 * A timestamp as JSON. Whole milliseconds, as nearly all are, are written here; the library has to think of nanoseconds.
 *
 * @param epochMs epoch milliseconds
 * @returns undefined where a Timestamp cannot hold it
 */
export function timestampText(epochMs: number | undefined): string | undefined {
  if (epochMs === undefined || secondsOf(epochMs) === undefined) return undefined;
  if (!Number.isInteger(epochMs)) {
    const timestamp = encodeTimestamp(epochMs);
    return timestamp && JSON.stringify(toJson(TimestampSchema, timestamp));
  }
  const day = Math.floor(epochMs / DAY_MS);
  const ofDay = epochMs - day * DAY_MS;
  const hours = TWO_DIGITS[Math.floor(ofDay / HOUR_MS)];
  const minutes = TWO_DIGITS[Math.floor(ofDay / MINUTE_MS) % 60];
  const seconds = TWO_DIGITS[Math.floor(ofDay / SECOND_MS) % 60];
  const milliseconds = ofDay % SECOND_MS;
  const fraction = milliseconds === 0 ? "" : `.${String(milliseconds).padStart(3, "0")}`;
  return `"${dateText(day)}T${hours}:${minutes}:${seconds}${fraction}Z"`;
}

/** The last date seen of those that share a place: usage periods of most customers begin and end on few days. */
const dates = Array.from({ length: 512 }, () => ({ day: NaN, text: "" }));

/** @param day days since 1970-01-01 */
function dateText(day: number): string {
  const place = dates[day & (dates.length - 1)] as (typeof dates)[number];
  if (place.day !== day) {
    place.text = new Date(day * DAY_MS).toISOString().slice(0, "YYYY-MM-DD".length);
    place.day = day;
  }
  return place.text;
}

/** The names of an enum's values as JSON, by number. */
export function enumTexts({ values }: DescEnum): readonly string[] {
  const texts: string[] = [];
  for (const { name, number } of values) texts[number] = JSON.stringify(name);
  return texts;
}
