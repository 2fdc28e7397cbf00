import { type ErrorCode, errorCodeOf } from "../../../domain/errors.js";
import { UnreadableStateError } from "../../../wire/decode-entitlements-state.js";

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
  return MEANINGS[errorCodeOf(error)].isWorthRetrying;
}
