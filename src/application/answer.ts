import type { FailurePolicy } from "../domain/decision/failure-policy.js";
import type { AnswerSource } from "../ports/telemetry.js";
import type { Span } from "../ports/tracer.js";
import type { CancelSignal } from "../ports/waits.js";

/** A result together with where it came from. */
export interface Answer<T> {
  readonly result: T;
  readonly source: AnswerSource;
  /** Up to when the state behind it is known to have been true, epoch milliseconds; undefined for a fallback. */
  readonly verifiedAt: number | undefined;
  /** Whether the state behind it serves only since nothing better could be had in time: a failure policy may speak instead. */
  readonly isLastResort?: boolean;
  /** Set exactly where a failure policy made the answer up. */
  readonly assumed?: Assumed;
  /** Under which the decision is found in the decision log; undefined where it is not logged. */
  readonly decisionId?: string | undefined;
}

/** Why an answer was made up. */
export interface Assumed {
  readonly policy: FailurePolicy["answer"];
  /** After how long it may be worth to ask again, milliseconds. */
  readonly retryAfterMs: number;
}

/** What a caller sets for one call. */
export interface CallContext {
  /** When the caller stops waiting, epoch milliseconds; undefined: it waits. */
  readonly deadlineAt: number | undefined;
  /** Aborts when the caller goes away. */
  readonly signal: CancelSignal | undefined;
  /** Whether it has, for who asks once: a signal that nobody asks for need not be made. Undefined: the signal says so. */
  readonly isAborted?: boolean | undefined;
  /** By what its caller finds the call again, for lines of the log; undefined where the caller named nothing. */
  readonly origin?: CallOrigin | undefined;
  /** Of which what is done for the call is a part; undefined: it is not traced. Made when it is asked for. */
  readonly span?: Span | undefined;
  /** Resolves in a turn of the event loop that has time left, for work that is long; undefined: there is no need to wait. */
  readonly takeTurn?: (() => Promise<void>) | undefined;
}

/** The caller's own names for a call. */
export interface CallOrigin {
  readonly requestId?: string;
  /** 32 hex digits. */
  readonly traceId?: string;
}
