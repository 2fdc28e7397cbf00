import QuickLRU from "quick-lru";
import { CodedError } from "../../../../domain/errors.js";
import type { AdmissionRule, Caller } from "../calls.js";
import type { ServedMethod } from "../served-method.js";

/** Callers that are remembered; who is forgotten begins anew with a full second. */
const MAX_CALLERS = 10_000;

/** What a caller may still call. */
interface Bucket {
  tokens: number;
  /** When that was so, milliseconds of a clock that never steps. */
  at: number;
}

/**
 * So many calls a second of each caller, of which it may have those of one second at once.
 *
 * @param now milliseconds of a clock that never steps
 */
export function rateLimit(callsPerSecond: number, now: () => number = () => performance.now()): AdmissionRule {
  const buckets = new QuickLRU<string, Bucket>({ maxSize: MAX_CALLERS });
  // One for all: who floods the port costs no stack and no text for each call.
  const refusal = new CodedError(
    "resource-exhausted",
    `more than ${callsPerSecond} calls a second by one caller (RATE_LIMIT): retry after ${Math.ceil(1_000 / callsPerSecond)} ms`,
  );
  const admit = (_: ServedMethod, { name }: Caller) => {
    const at = now();
    const bucket = buckets.get(name);
    if (bucket === undefined) {
      buckets.set(name, { tokens: callsPerSecond - 1, at });
      return undefined;
    }
    bucket.tokens = Math.min(callsPerSecond, bucket.tokens + ((at - bucket.at) * callsPerSecond) / 1_000);
    bucket.at = at;
    if (bucket.tokens < 1) return refusal;
    bucket.tokens -= 1;
    return undefined;
  };
  const undo = ({ name }: Caller) => {
    const bucket = buckets.get(name);
    if (bucket !== undefined) bucket.tokens += 1;
  };
  return Object.assign(admit, { undo });
}
