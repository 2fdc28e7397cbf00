import { CodedError } from "../../../domain/errors.js";

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
