/** Every way in which a call can fail. Each edge translates these once, by a table that has to be complete. */
export const ERROR_CODES = [
  /** The caller's input can never succeed as it is. */
  "invalid-argument",
  /** What the input names does not exist. */
  "not-found",
  /** The input is fine, the state of things is not: for example a usage report for an archived customer. */
  "failed-precondition",
  /** Upstream refuses the API key, or this service the caller's. */
  "unauthenticated",
  /** Who calls is known, and may not. */
  "permission-denied",
  /** A bound is reached: too many requests, too large a message. */
  "resource-exhausted",
  /** No answer within the time there was. */
  "deadline-exceeded",
  /** The caller went away. */
  "cancelled",
  /** Upstream cannot be reached, or cannot answer for now: trying again can help. */
  "unavailable",
  /** Upstream answered what it must not. */
  "internal",
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

/** A failure with a code. Denials are not failures: they are decisions. */
export class CodedError extends Error {
  override readonly name = "CodedError";
  readonly code: ErrorCode;
  /** Of a report: whether it may count all the same; undefined: as its code says. */
  readonly mayCount: boolean | undefined;

  constructor(code: ErrorCode, message: string, options?: { readonly cause?: unknown; readonly mayCount?: boolean }) {
    super(message, options);
    this.code = code;
    this.mayCount = options?.mayCount;
  }

  /** For how long whoever failed asks to be left alone, milliseconds; undefined: it does not say. */
  get retryAfterMs(): number | undefined {
    return undefined;
  }
}

/** The code of anything that was thrown; what was not foreseen is internal. */
export function errorCodeOf(thrown: unknown): ErrorCode {
  return thrown instanceof CodedError ? thrown.code : "internal";
}
