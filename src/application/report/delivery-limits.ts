/** Within what reports are delivered. */
export interface DeliveryLimits {
  readonly reportsPerMinute: number;
  readonly bulksPerMinute: number;
  readonly reportsPerBulk: number;
  readonly eventsPerSecond: number;
  readonly eventsPerBatch: number;
  /** How many requests are unanswered at the same time. */
  readonly maxInFlight: number;
  /** While less than a bulk waits, this long passes between two requests: what comes meanwhile goes together, milliseconds. */
  readonly spacingMs: number;
  /** The longest wait after the first failure, doubled with each that follows, and the longest of all; milliseconds. */
  readonly firstBackOffMs: number;
  readonly longestBackOffMs: number;
  /** For how long upstream is sure to know an idempotency key again, milliseconds. */
  readonly deduplicationMs: number;
  /** How long the end of the process waits for answers, milliseconds. */
  readonly closeMs: number;
}

/** The vendor's, and what goes well with them. */
export const DELIVERY_LIMITS: DeliveryLimits = {
  reportsPerMinute: 3_000,
  bulksPerMinute: 600,
  reportsPerBulk: 100,
  eventsPerSecond: 1_000,
  eventsPerBatch: 1_000,
  maxInFlight: 4,
  spacingMs: 100,
  firstBackOffMs: 1_000,
  longestBackOffMs: 60_000,
  // An hour less than the vendor's 24: clocks differ, and a request takes its time.
  deduplicationMs: 23 * 3_600_000,
  closeMs: 2_000,
};
