import type { Subject } from "../subject.js";
import { addDecimals, MAX_AMOUNT, subtractDecimals } from "../usage/decimal.js";
import type { Dimensions } from "../usage/usage-report.js";
import type { AcceptedReport, EntryRecord } from "./outbox-record.js";

/** All that waits of one feature of one subject, in the order in which it is delivered. */
export interface UsageSeries {
  readonly subject: Subject;
  readonly featureId: string;
  readonly entries: UsageEntry[];
  /** Entries that later reports may join; emptied by whatever they must not supersede. */
  readonly open: Map<string, UsageEntry>;
}

/** Reports that are delivered as one, under one key. Ids are those of their first reports. */
export class UsageEntry {
  readonly id: number;
  readonly series: UsageSeries;
  readonly group: number;
  readonly behavior: AcceptedReport["updateBehavior"];
  readonly dimensions: Dimensions;
  readonly acceptedAt: number;
  /** The sum of what is on disk. */
  value = 0;
  count = 0;
  /** The latest of its reports', epoch milliseconds. */
  timestamp: number;
  /** Of its only report, or what it was tried under; undefined: made from its id. */
  key: string | undefined;
  /** Reports that are being written: until they are it cannot be tried. */
  unwritten = 0;
  /** The sum with those. */
  projected = 0;
  /** See EntryRecord. */
  triedAt: number | undefined;
  /** The same by a clock that nobody sets, where it was in this process, milliseconds. */
  triedSteadyAt: number | undefined;
  /** Written as a whole, so that it can be tried. */
  isFormed = false;
  /** The timestamp from which on upstream's usage contains it, epoch milliseconds; undefined: not known. */
  measuredAt: number | undefined;
  /** Upstream's usage contains it, as far as is known here. */
  isMeasured = false;
  /** Upstream refused a request that it was part of: it is sent alone. */
  isAlone = false;
  /** How often it was tried in vain, and until when it is left alone, epoch milliseconds. */
  failures = 0;
  notBefore = 0;

  constructor(id: number, series: UsageSeries, report: AcceptedReport, group: number, acceptedAt: number) {
    this.id = id;
    this.series = series;
    this.group = group;
    this.behavior = report.updateBehavior;
    this.dimensions = report.dimensions;
    this.acceptedAt = acceptedAt;
    this.timestamp = report.timestamp;
  }

  /** Whether one more report leaves a sum that is exact, and of one sign: upstream may stop at 0, so that order matters. */
  canTake({ updateBehavior, value }: AcceptedReport): boolean {
    if (updateBehavior === "SET" || this.behavior === "SET" || value < 0 !== this.projected < 0) return false;
    const sum = addDecimals(this.projected, value);
    return typeof sum === "number" && Math.abs(sum) <= MAX_AMOUNT;
  }

  project(value: number): void {
    this.unwritten++;
    this.projected = added(this.projected, value);
  }

  /** What was projected is not written after all. */
  withdraw(value: number): void {
    this.unwritten--;
    this.projected = Number(subtractDecimals(this.projected, value));
  }

  add({ value, timestamp, idempotencyKey }: AcceptedReport): void {
    this.value = added(this.value, value);
    this.timestamp = this.count === 0 ? timestamp : Math.max(this.timestamp, timestamp);
    this.key = this.count === 0 ? idempotencyKey : undefined;
    this.count++;
  }

  /** Becomes what was written of it, which is what it may have been tried as. */
  restore({ usage, count, triedAt, isFormed }: EntryRecord): void {
    this.value = usage.value;
    this.projected = usage.value;
    this.timestamp = usage.timestamp;
    this.key = usage.idempotencyKey;
    this.count = count;
    this.triedAt = triedAt;
    this.isFormed = isFormed;
  }

  /** As it is told upstream. @param outboxId of the whole world's, so that keys made from it are */
  record(outboxId: string): EntryRecord {
    const { subject, featureId } = this.series;
    return {
      type: "entry",
      id: this.id,
      usage: {
        subject,
        featureId,
        value: this.value,
        updateBehavior: this.behavior,
        dimensions: this.dimensions,
        timestamp: this.timestamp,
        idempotencyKey: this.key ?? `${outboxId}-${this.id}`,
        keyOrigin: "caller",
      },
      group: this.group,
      count: this.count,
      acceptedAt: this.acceptedAt,
      triedAt: this.triedAt,
      isFormed: this.isFormed,
    };
  }
}

function added(sum: number, value: number): number {
  return Number(addDecimals(sum, value));
}
