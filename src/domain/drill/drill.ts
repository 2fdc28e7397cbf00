import type { AccessDeniedReason } from "../decision/access-denied-reason.js";

/** What fails in a drill, for the calls that are in it. */
export const DRILL_TARGETS = ["upstream", "redis", "stream"] as const;

export type DrillTarget = (typeof DRILL_TARGETS)[number];

/** The longest drill, milliseconds: whoever began it may have forgotten it. */
export const MAX_DRILL_MS = 3_600_000;
/** The greatest share of all calls that a drill takes. */
export const MAX_DRILL_SHARE = 0.5;

export interface DrillPlan {
  readonly target: DrillTarget;
  /** Milliseconds, to MAX_DRILL_MS. */
  readonly forMs: number;
  /** Of all calls that check, above 0 to MAX_DRILL_SHARE. */
  readonly share: number;
  /** The drill ends once more answers than these are wrong, or were made up for want of data. */
  readonly maxWrong: number;
  readonly maxAssumed: number;
}

export const DRILL_ENDS = ["time", "wrong", "assumed", "operator", "shutdown"] as const;

/** Why a drill ended. */
export type DrillEnd = (typeof DRILL_ENDS)[number];

/** An answer that granted what the service itself knew to be denied, or the other way round. */
export interface WrongAnswer {
  readonly customerId: string;
  readonly resourceId: string | undefined;
  /** Of the feature or the currency. */
  readonly id: string;
  readonly granted: boolean;
  readonly source: string;
  readonly reason: AccessDeniedReason | undefined;
}

/** What the callers of the calls in a drill saw. Times are epoch milliseconds, durations milliseconds. */
export interface DrillReport {
  readonly plan: DrillPlan;
  readonly startedAt: number;
  readonly endedAt: number | undefined;
  readonly ended: DrillEnd | undefined;
  /** All calls that check since the drill began, and those in it. */
  readonly calls: number;
  readonly drilled: number;
  readonly granted: number;
  readonly denied: number;
  /** Calls that failed: their callers went away meanwhile. */
  readonly failed: number;
  /** Answers by source. */
  readonly sources: Readonly<Record<string, number>>;
  /** Answers that were made up for want of data: by the fallback or a failure policy. */
  readonly assumed: number;
  readonly wrong: number;
  readonly examples: readonly WrongAnswer[];
  /** Answers of customers that the service itself had nothing fresh of, so that nobody can say whether they are wrong. */
  readonly notCompared: number;
  readonly waitedMs: { readonly p50: number; readonly p99: number; readonly max: number };
}
