import type { Subject } from "../../domain/subject.js";
import { BackOff, type BackOffTiming } from "../../ports/clock.js";
import type { Span } from "../../ports/tracer.js";
import type { Confirmation } from "./unconfirmed-answers.js";

/** What a state is asked for again for. */
export interface RefetchReason {
  /**
   * When the subject changed by upstream's clock, epoch milliseconds: a set of entitlements from before then may be what a
   * cache of upstream's had before it. Infinity: no answer shows that it is from after it. Not given: any answer will do.
   */
  readonly changedAt?: number;
  /** One of very many, which are confirmed once each. */
  readonly isSwept?: boolean;
  readonly span?: Span | undefined;
}

/** How far a refetch is. */
export interface Refetch {
  /** Upstream was asked once, whatever came of it. Never rejects. */
  readonly attempted: Promise<void>;
  /** As `refetch` says. */
  readonly done: Promise<void>;
}

/** One state that is to be asked for, until it is written or given up. */
export interface Job {
  readonly subject: Subject;
  onlyIfCached: boolean;
  changedAt: number;
  isSwept: boolean;
  /** Set where it is asked for again to confirm what was answered before. */
  readonly confirms: Confirmation | undefined;
  /** How often the subject was written while upstream was being asked. */
  superseded: number;
  /** Failures while upstream answered for others, or the cache took writes. */
  attempts: number;
  readonly backOff: BackOff;
  /** How many answers upstream had given when it last failed for this one. */
  answersAtFailure: number;
  readonly stopping: AbortController;
  /** Of the first who asked for it. */
  readonly span: Span | undefined;
  readonly attempted: Promise<void>;
  readonly onAttempted: () => void;
  readonly done: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export function newJob(
  wanted: Pick<Job, "subject" | "onlyIfCached" | "changedAt" | "isSwept" | "confirms" | "span">,
  timing: BackOffTiming,
): Job {
  let resolve!: () => void;
  let reject!: (error: unknown) => void;
  let onAttempted!: () => void;
  const done = new Promise<void>((onDone, onFailed) => {
    resolve = onDone;
    reject = onFailed;
  });
  const attempted = new Promise<void>((onEnd) => (onAttempted = onEnd));
  const counts = { superseded: 0, attempts: 0, answersAtFailure: 0 };
  return {
    ...wanted,
    backOff: new BackOff(timing),
    ...counts,
    stopping: new AbortController(),
    attempted,
    onAttempted,
    done,
    resolve,
    reject,
  };
}
