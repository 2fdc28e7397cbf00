import { MAX_TIMER_MS, UNIT_MS } from "../deadline-header.js";

const MAX_DIGITS = 8;
const ZERO = 48;
const NINE = 57;

/**
 * Reads a grpc-timeout as clients send it, for example "250m".
 *
 * @returns milliseconds above 0, or Infinity where that is longer than a timer can wait; undefined for anything else
 */
export function timeoutMsOf(header: string | readonly string[]): number | undefined {
  if (typeof header !== "string") return undefined;
  const digits = header.length - 1;
  if (digits < 1 || digits > MAX_DIGITS) return undefined;
  let amount = 0;
  for (let i = 0; i < digits; i++) {
    const code = header.charCodeAt(i);
    if (code < ZERO || code > NINE) return undefined;
    amount = amount * 10 + code - ZERO;
  }
  const unitMs = UNIT_MS[header.charAt(digits)];
  if (unitMs === undefined || amount === 0) return undefined;
  const timeoutMs = amount * unitMs;
  return timeoutMs > MAX_TIMER_MS ? Infinity : timeoutMs;
}
