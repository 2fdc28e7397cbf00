import { create } from "@bufbuild/protobuf";
import { type Timestamp, TimestampSchema } from "@bufbuild/protobuf/wkt";
import { invalidArgument } from "./service/request-reader.js";

/** What a Timestamp can hold: 0001-01-01T00:00:00Z up to the end of 9999. */
const FIRST_SECOND = -62_135_596_800;
const LAST_SECOND = 253_402_300_799;
const MAX_NANOS = 999_999_999;

/**
 * A timestamp on the wire. Absent where a Timestamp cannot hold it: one that upstream got wrong must
 * not cost the answer.
 *
 * @param epochMs epoch milliseconds
 */
export function encodeTimestamp(epochMs: number | undefined): Timestamp | undefined {
  const seconds = secondsOf(epochMs);
  if (epochMs === undefined || seconds === undefined) return undefined;
  return create(TimestampSchema, { seconds: BigInt(seconds), nanos: nanosOf(epochMs, seconds) });
}

/** The seconds of a Timestamp; undefined where it cannot hold the time. */
export function secondsOf(epochMs: number | undefined): number | undefined {
  if (epochMs === undefined || !Number.isFinite(epochMs)) return undefined;
  const seconds = Math.floor(epochMs / 1000);
  return seconds < FIRST_SECOND || seconds > LAST_SECOND ? undefined : seconds;
}

/** The nanos of a Timestamp with these seconds: within its bounds also where the division that gave the seconds was rounded. */
export function nanosOf(epochMs: number, seconds: number): number {
  return Math.max(0, Math.min(MAX_NANOS, Math.floor((epochMs - seconds * 1000) * 1e6)));
}

/**
 * @returns epoch milliseconds
 * @throws CodedError `invalid-argument` naming the field
 */
export function readTimestamp(timestamp: Timestamp | undefined, field: string): number | undefined {
  if (timestamp === undefined) return undefined;
  const seconds = Number(timestamp.seconds);
  if (seconds < FIRST_SECOND || seconds > LAST_SECOND || timestamp.nanos < 0 || timestamp.nanos > MAX_NANOS) {
    throw invalidArgument(
      `${field} is outside of the years 1 to 9999: send seconds since 1970 and nanos from 0 to 999999999`,
    );
  }
  return seconds * 1000 + Math.floor(timestamp.nanos / 1e6);
}
