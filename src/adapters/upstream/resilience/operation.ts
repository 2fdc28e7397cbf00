import { CodedError, type ErrorCode, errorCodeOf } from "../../../domain/errors.js";
import { isWordlessRefusal } from "../../../domain/outbox/report-failure.js";
import type { Subject } from "../../../domain/subject.js";
import type { Span } from "../../../ports/tracer.js";
import type { CancelSignal } from "../../../ports/waits.js";
import { UnreadableStateError } from "../../../wire/decode-entitlements-state.js";

/**
 * One kind of call to upstream. What makes calls resilient wraps operations in operations, so that each
 * concern is one function, and their order is read in one place (see fetch-state-operation).
 */
export type Operation<I, O> = (input: I, signal: CancelSignal) => Promise<O>;

/** Why a signal aborted: whoever aborts with a CodedError says why, all others went away. */
export function abortErrorOf(signal: CancelSignal): CodedError {
  const reason: unknown = signal.reason;
  return reason instanceof CodedError ? reason : new CodedError("cancelled", "the caller went away", { cause: reason });
}

/** A subject that is asked for as a part of a span: what makes calls resilient hands it through as it is. */
export interface TracedSubject extends Subject {
  readonly span?: Span | undefined;
}

/** The same of what is reported. */
export interface TracedReport<R> {
  readonly report: R;
  readonly span: Span | undefined;
}

export function tracedSubject(subject: Subject, span: Span | undefined): TracedSubject {
  return span === undefined ? subject : { ...subject, span };
}

/** What a failure says of upstream itself, rather than of the request. */
interface Meaning {
  /** Upstream, or the way to it, does not work for now: another upstream may, and this one should be spared. */
  readonly isUpstreams: boolean;
  /** It failed fast and may well not fail again. */
  readonly isWorthRetrying: boolean;
}

const MEANINGS: Record<ErrorCode, Meaning> = {
  "invalid-argument": { isUpstreams: false, isWorthRetrying: false },
  "not-found": { isUpstreams: false, isWorthRetrying: false },
  "failed-precondition": { isUpstreams: false, isWorthRetrying: false },
  unauthenticated: { isUpstreams: true, isWorthRetrying: false },
  "permission-denied": { isUpstreams: true, isWorthRetrying: false },
  "resource-exhausted": { isUpstreams: true, isWorthRetrying: false },
  "deadline-exceeded": { isUpstreams: true, isWorthRetrying: false },
  cancelled: { isUpstreams: false, isWorthRetrying: false },
  unavailable: { isUpstreams: true, isWorthRetrying: true },
  internal: { isUpstreams: true, isWorthRetrying: false },
};

/** Upstream works: it answered for one subject what cannot be read. Others are to be asked for as ever. */
export function isUnreadable(error: unknown): boolean {
  return error instanceof UnreadableStateError;
}

export function isUpstreamsFailure(error: unknown): boolean {
  return MEANINGS[errorCodeOf(error)].isUpstreams;
}

/** Upstream works, and will not answer this one request as it is. */
export function isRefusal(error: unknown): boolean {
  const code = errorCodeOf(error);
  return !MEANINGS[code].isUpstreams && code !== "cancelled";
}

export function isWorthRetrying(error: unknown): boolean {
  return !isWordlessRefusal(error) && MEANINGS[errorCodeOf(error)].isWorthRetrying;
}

/** The longest that an upstream is left alone because it says so, milliseconds: after that one small probe asks. */
const MAX_RETRY_AFTER_MS = 60_000;

/** Upstream asks for patience, and may say for how long. */
export class ThrottledError extends CodedError {
  readonly #retryAfterMs: number | undefined;

  constructor(message: string, retryAfterMs: number | undefined) {
    super("resource-exhausted", message);
    this.#retryAfterMs = retryAfterMs;
  }

  override get retryAfterMs(): number | undefined {
    return this.#retryAfterMs;
  }
}

/**
 * What a Retry-After header asks for (RFC 9110, 10.2.3): seconds, or an HTTP date.
 *
 * @param now epoch milliseconds
 * @returns milliseconds, 0 to one minute; undefined where it is not there or cannot be read
 */
export function parseRetryAfter(text: string | undefined, now: number): number | undefined {
  if (text === undefined) return undefined;
  const askedMs = /^\s*\d+\s*$/.test(text)
    ? Number(text) * 1_000
    : /^[A-Z][a-z]+, /.test(text)
      ? Date.parse(text) - now
      : NaN;
  return Number.isFinite(askedMs) ? Math.min(Math.max(askedMs, 0), MAX_RETRY_AFTER_MS) : undefined;
}

/** A kept connection that was used before broke before any answer: the server may have closed it while the request was on its way. */
export class StaleConnectionError extends CodedError {
  constructor(message: string, cause: Error) {
    super("unavailable", message, { cause });
  }
}

/** Asks once more, at once, where a kept connection had come to its end: that says nothing of upstream. For what changes nothing there. */
export function onceMoreIfStale<I, O>(operation: Operation<I, O>): Operation<I, O> {
  return async (input, signal) => {
    try {
      return await operation(input, signal);
    } catch (error) {
      if (!(error instanceof StaleConnectionError) || signal.aborted) throw error;
      return operation(input, signal);
    }
  };
}
