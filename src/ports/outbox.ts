import type { CodedError } from "../domain/errors.js";
import type { QueuedEvent } from "../domain/outbox/event-queue.js";
import type { AcceptedEvent, KeyDigest, OutboxRecord } from "../domain/outbox/outbox-record.js";
import type { OutboxState } from "../domain/outbox/outbox-state.js";
import type { UsageEvent, UsageReport } from "../domain/usage/usage-report.js";

/** What an accepted report outlasts: the end of the process, or a power cut as well. */
export const DURABILITIES = ["process", "power"] as const;
export type Durability = (typeof DURABILITIES)[number];

/** Called once the records are safe and applied; with an error where they are not, nothing of them is kept unless it says so. */
export type Written = (error: CodedError | undefined) => void;

/** Accepted reports on disk, not yet delivered. One process has it. */
export interface Outbox {
  /** No other outbox has it. */
  readonly id: string;
  readonly state: OutboxState;
  /** What it takes on disk, and what it may take. */
  readonly bytes: number;
  readonly maxBytes: number;
  /** Records that were found damaged when it was opened, and events that were lost with a file since. */
  readonly damagedRecords: number;
  /** How often its files were changed by somebody else while it was open, and written anew from memory. */
  readonly rewrites: number;

  /**
   * Writes a record of accepted reports. All that are given in one turn of the event loop are one write.
   *
   * @throws CodedError `invalid-argument` where they cannot be written as they are
   */
  accept(record: Extract<OutboxRecord, { type: "usage-accepted" | "events-accepted" }>, written: Written): void;

  /** Writes what happened to them, for which room is kept where there is none for more reports. */
  note(record: OutboxRecord, written: Written): void;

  /** Once all that was given before is written, or is not. */
  afterWrites(written: Written): void;

  /** By what the caller's key of a report is known again; undefined where nobody can send it again. */
  readonly digestOfUsage: (report: UsageReport) => KeyDigest | undefined;
  /** The same of an event, whose sender may leave the timestamp to whoever accepts it. */
  readonly digestOfEvent: (event: UsageEvent) => KeyDigest | undefined;

  /** Whether the key is that of a report which was accepted, or is being written. */
  find(digest: KeyDigest): "unknown" | "same" | "other";

  /** What queued events say, in their order. @throws CodedError `internal` where they cannot be read */
  readEvents(events: readonly QueuedEvent[]): readonly AcceptedEvent[];

  close(): Promise<void>;
}

/** What an operator decides of items that were set aside. */
export interface OperatorRequest {
  readonly action: "retry" | "drop";
  readonly ids: readonly number[];
  /** Why they are dropped. */
  readonly reason?: string | undefined;
}

export interface OperatorAnswer {
  readonly done: readonly number[];
  /** Of ids: that there is no such item, or that it could not be written. */
  readonly faults: readonly string[];
}
