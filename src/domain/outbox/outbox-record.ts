import type { UsageEvent, UsageReport } from "../usage/usage-report.js";

/** A report of usage as it is kept: with its timestamp, and with the entry that it is delivered in. */
export interface AcceptedUsage {
  /** Above 0, in the order of acceptance. */
  readonly id: number;
  /** The id of the entry's first report: all that have the same are delivered as one. */
  readonly entryId: number;
  readonly report: AcceptedReport;
  /** Which reports may share an entry: see usageGroup. */
  readonly group: number;
  /** By which its caller's key is known again; undefined: it had none. */
  readonly digest?: KeyDigest | undefined;
}

/** Four 32-bit parts of what a key stands for, and one of what else the report said. */
export type KeyDigest = readonly [a: number, b: number, c: number, d: number, content: number];

export type AcceptedReport = UsageReport & { readonly timestamp: number };
export type AcceptedEvent = UsageEvent & { readonly timestamp: number };

/** Why a report is no longer going to be delivered by itself. */
export const ASIDE_LISTS = ["rejected", "in-doubt"] as const;
export type AsideList = (typeof ASIDE_LISTS)[number];

/** A report that upstream refused, or of which it is not known whether it counts. Kept until an operator decides. */
export interface AsideItem {
  readonly id: number;
  readonly list: AsideList;
  readonly reason: string;
  /** Epoch milliseconds. */
  readonly at: number;
  /** How many accepted reports it stands for. */
  readonly count: number;
  readonly content: { readonly usage: AcceptedReport; readonly group: number } | { readonly event: AcceptedEvent };
}

/** How many reports and events came to each end, since the outbox was made. */
export interface OutboxTotals {
  readonly accepted: number;
  readonly delivered: number;
  readonly rejected: number;
  readonly stale: number;
  /** Of those set aside: how many an operator gave up. */
  readonly dropped: number;
}

/** One entry as a whole: when it is about to be tried, and where older records are left behind. */
export interface EntryRecord {
  readonly type: "entry";
  readonly id: number;
  /** What is going to be reported to upstream: the sum of its reports, under one key. */
  readonly usage: AcceptedReport;
  readonly group: number;
  readonly count: number;
  /** When its first report was accepted, epoch milliseconds. */
  readonly acceptedAt: number;
  /** When it was first tried in a way that may have arrived, epoch milliseconds; undefined: never. */
  readonly triedAt: number | undefined;
  /** Whether no report joins it any more. */
  readonly isFormed: boolean;
}

/** All that an outbox writes down. The state of an outbox is what its records make of it, one after the other. */
export type OutboxRecord =
  | { readonly type: "usage-accepted"; readonly at: number; readonly items: readonly AcceptedUsage[] }
  /** The first event's id; the others follow it without a gap. */
  | {
      readonly type: "events-accepted";
      readonly at: number;
      readonly firstId: number;
      readonly events: readonly AcceptedEvent[];
      readonly digests: readonly (KeyDigest | undefined)[];
    }
  | EntryRecord
  /** Events that are going to be sent together: all that wait with ids in this range. */
  | {
      readonly type: "event-batch";
      readonly id: number;
      readonly firstId: number;
      readonly lastId: number;
      readonly at: number;
    }
  /** Upstream refused a batch of events: its halves are tried apart. */
  | {
      readonly type: "event-batch-split";
      readonly id: number;
      readonly firstHalf: number;
      readonly secondHalf: number;
      /** The last event of the first half: a reader may not have all of the batch. Missing in files of earlier versions. */
      readonly lastOfFirst?: number | undefined;
      readonly at: number;
    }
  /** Entries and batches of events are about to be tried again, and none of their tries had arrived. */
  | { readonly type: "tried"; readonly ids: readonly number[]; readonly at: number }
  /** No try of them has arrived. */
  | { readonly type: "not-arrived"; readonly ids: readonly number[] }
  /** The count is of the reports that they stand for. */
  | { readonly type: "delivered"; readonly ids: readonly number[]; readonly count: number; readonly at: number }
  /** The entry, or batch of one event, with the item's id will not be delivered. */
  | { readonly type: "set-aside"; readonly item: AsideItem }
  | { readonly type: "dropped"; readonly id: number; readonly reason: string; readonly at: number }
  /** An item that was set aside is delivered after all, under a new id and its own key. */
  | { readonly type: "retried"; readonly id: number; readonly newId: number; readonly at: number }
  /** From here on the clock says less than it would have: by so many milliseconds, below 0. */
  | { readonly type: "clock-set-back"; readonly byMs: number }
  /** Where the segment before this one ended, bytes: one that is shorter when it is read again was cut. */
  | { readonly type: "segment-begun"; readonly previous: number; readonly previousEnd: number }
  /** All before is void: what follows within its group says anew what it came to. */
  | { readonly type: "said-anew" }
  /** The process ended by itself. Nothing follows in this segment. */
  | { readonly type: "closed" }
  | { readonly type: "totals"; readonly totals: OutboxTotals; readonly nextId: number };
