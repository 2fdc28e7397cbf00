/** What a timer of Node can wait; beyond it, it fires at once. Almost 25 days. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Of the units that a grpc-timeout may be in. */
const UNIT_MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 0.001, n: 0.000_001 };

const MAX_GRPC_DIGITS = 8;
const ZERO = 48;
const NINE = 57;
const CONNECT_TIMEOUT = /^\d{1,10}$/;

/**
 * Reads a grpc-timeout as clients send it, for example "250m".
 *
 * @returns milliseconds above 0, or Infinity where that is longer than a timer can wait; undefined for anything else
 */
export function grpcTimeoutMs(header: string): number | undefined {
  const digits = header.length - 1;
  if (digits < 1 || digits > MAX_GRPC_DIGITS) return undefined;
  let amount = 0;
  for (let i = 0; i < digits; i++) {
    const code = header.charCodeAt(i);
    if (code < ZERO || code > NINE) return undefined;
    amount = amount * 10 + code - ZERO;
  }
  const unitMs = UNIT_MS[header.charAt(digits)];
  return unitMs === undefined ? undefined : timerMs(amount * unitMs);
}

/** Reads a connect-timeout-ms; it returns what `grpcTimeoutMs` does. */
export function connectTimeoutMs(header: string): number | undefined {
  return CONNECT_TIMEOUT.test(header) ? timerMs(Number(header)) : undefined;
}

function timerMs(timeoutMs: number): number | undefined {
  if (timeoutMs === 0) return undefined;
  return timeoutMs > MAX_TIMER_MS ? Infinity : timeoutMs;
}

/**
 * Drops a deadline that is further away than a timer can wait, which some clients send in place of none:
 * Connect would take it for one that has passed.
 */
export function dropEndlessDeadline(header: Headers): void {
  const grpc = header.get("grpc-timeout");
  if (grpc !== null && grpcTimeoutMs(grpc) === Infinity) header.delete("grpc-timeout");
  const connect = header.get("connect-timeout-ms");
  if (connect !== null && connectTimeoutMs(connect) === Infinity) header.delete("connect-timeout-ms");
}
