import type { Subject } from "../subject.js";

export type DimensionValue = string | number | boolean;
export type Dimensions = ReadonlyMap<string, DimensionValue>;

/** DELTA adds the value to what was used, SET replaces it. */
export type UsageUpdateBehavior = "DELTA" | "SET";

/** Usage of one feature, counted by the caller. */
export interface UsageReport {
  readonly subject: Subject;
  readonly featureId: string;
  /** Finite; negative gives usage back. */
  readonly value: number;
  readonly updateBehavior: UsageUpdateBehavior;
  readonly dimensions: Dimensions;
  /** When it was used, epoch milliseconds; undefined: now. */
  readonly timestamp: number | undefined;
  /** The same for every try of one report, so that upstream counts it once. */
  readonly idempotencyKey: string;
  /** Undefined: the caller's. A generated key never comes again, so nobody has to remember it. */
  readonly keyOrigin?: KeyOrigin | undefined;
}

/** What upstream counts after a report. */
export interface UsageMeasurement {
  readonly measurementId: string;
  readonly subject: Subject;
  readonly featureId: string;
  /** Undefined where upstream has not counted yet. */
  readonly currentUsage: number | undefined;
  readonly periodStart: number | undefined;
  readonly periodEnd: number | undefined;
  /** Orders this measurement among other changes of the usage, epoch milliseconds. */
  readonly updatedAt: number | undefined;
  /** The wallet that the usage was drawn from, where there is one. */
  readonly credit: CreditMeasurement | undefined;
  /** How far the report has come; undefined where it went to upstream without an outbox. */
  readonly state?: UsageState | undefined;
  /** False: upstream took the request that it came with, and did not say of this one that it counts. */
  readonly isConfirmed?: false | undefined;
}

/** Safe in the outbox, or counted by upstream. */
export const USAGE_STATES = ["accepted", "delivered"] as const;
export type UsageState = (typeof USAGE_STATES)[number];

export interface CreditMeasurement {
  readonly currencyId: string;
  /** Credits consumed in all. */
  readonly currentUsage: number;
  readonly periodEnd: number | undefined;
  readonly updatedAt: number | undefined;
}

/** Something that happened at a customer; upstream's meters make usage of it. */
export interface UsageEvent {
  readonly eventName: string;
  readonly subject: Subject;
  readonly idempotencyKey: string;
  readonly dimensions: Dimensions;
  /** Epoch milliseconds; undefined: now. */
  readonly timestamp: number | undefined;
}

/** Whether a caller can send a key again, or it was made up for one call. */
type KeyOrigin = "caller" | "generated";

/** Under which a report counts once. */
export interface ReportKey {
  /** The same for every try of one report. */
  readonly idempotencyKey: string;
  readonly keyOrigin: KeyOrigin;
}

/** The longest key that a caller may choose, characters. */
export const MAX_KEY_LENGTH = 255;

const PRINTABLE = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;

/**
 * What is wrong with a caller's key and what to do about it; undefined where it can be used: 1 to 255 printable
 * ASCII characters, the first and last no blank.
 */
export function faultOfKey(key: string): string | undefined {
  if (key.length === 0) return "is empty; send 1 to 255 characters, or leave it out";
  if (key.length > MAX_KEY_LENGTH) return `has ${key.length} characters; send 1 to ${MAX_KEY_LENGTH}`;
  return PRINTABLE.test(key)
    ? undefined
    : "may have printable ASCII characters alone, and no blank at either end; send for example a UUID";
}

/**
 * The key of one report of a call. A bulk has one key of its caller's, and each of its items a key made from that and
 * the item's place, so that the same bulk sent again is the same reports. "·" is no ASCII character: no key that a
 * caller can choose is also that of an item.
 *
 * @param callerKey as `faultOfKey` allows it; undefined: the caller sent none
 * @param index the item's place in a bulk, from 0; undefined: the call is one report
 * @param random makes up a key that no other report has
 */
export function reportKeyOf(callerKey: string | undefined, index: number | undefined, random: () => string): ReportKey {
  if (callerKey === undefined) return { idempotencyKey: random(), keyOrigin: "generated" };
  return { idempotencyKey: index === undefined ? callerKey : `${callerKey}·${index}`, keyOrigin: "caller" };
}
