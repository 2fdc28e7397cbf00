import type { Subject } from "../subject.js";
import type { KeyOrigin } from "./idempotency-key.js";

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
