import { Code, type ConnectError } from "@connectrpc/connect";
import type { HeaderField } from "../exchange/exchange.js";
import type { OfrepFault } from "./evaluation-context.js";

/** Where flags are evaluated: all of them, or with "/" and a key behind it one. */
export const FLAGS = "/ofrep/v1/evaluate/flags";

/** Seconds. */
export const RETRY_AFTER: HeaderField = ["retry-after", "1"];

/** Which of the protocol's codes a fault is answered with. */
const STATUS: Readonly<Record<OfrepFault["errorCode"], number>> = {
  PARSE_ERROR: 400,
  TARGETING_KEY_MISSING: 400,
  INVALID_CONTEXT: 400,
  FLAG_NOT_FOUND: 404,
  GENERAL: 500,
};

const CODES: Readonly<Record<OfrepFault["errorCode"], Code>> = {
  PARSE_ERROR: Code.InvalidArgument,
  TARGETING_KEY_MISSING: Code.InvalidArgument,
  INVALID_CONTEXT: Code.InvalidArgument,
  FLAG_NOT_FOUND: Code.NotFound,
  GENERAL: Code.Unavailable,
};

/** The statuses that the protocol has: clients take no other. */
const STATUS_OF_FAILURE: ReadonlyMap<Code, number> = new Map([
  [Code.InvalidArgument, 400],
  [Code.Unauthenticated, 401],
  [Code.PermissionDenied, 403],
  [Code.ResourceExhausted, 429],
]);

export function statusOfFault({ errorCode }: OfrepFault): number {
  return STATUS[errorCode];
}

export function codeOfFault({ errorCode }: OfrepFault): Code {
  return CODES[errorCode];
}

/** Of a call that failed before its flag was looked at. */
export function statusOfFailure({ code }: ConnectError): number {
  return STATUS_OF_FAILURE.get(code) ?? 500;
}

/** The body of a failed evaluation. @param key undefined for that of all flags */
export function faultText(key: string | undefined, { errorCode, errorDetails }: OfrepFault): string {
  return JSON.stringify({ key, errorCode, errorDetails });
}

/** Clients send ids as they are, or percent-encoded: what is not well encoded is taken as it is. */
export function keyOf(path: string): string {
  const key = path.slice(FLAGS.length + 1);
  try {
    return decodeURIComponent(key);
  } catch {
    return key;
  }
}
