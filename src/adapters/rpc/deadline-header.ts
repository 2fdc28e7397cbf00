/** What a timer of Node can wait; beyond it, it fires at once. Almost 25 days. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/** Of the units that a grpc-timeout may be in. */
export const UNIT_MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 0.001, n: 0.000_001 };

/**
 * Drops a deadline that is further away than a timer can wait, which some clients send in place of none:
 * Connect would take it for one that has passed.
 */
export function dropEndlessDeadline(header: Headers): void {
  const grpc = header.get("grpc-timeout");
  if (grpc !== null && Number(grpc.slice(0, -1)) * (UNIT_MS[grpc.slice(-1)] ?? 0) > MAX_TIMER_MS) header.delete("grpc-timeout");
  const connect = header.get("connect-timeout-ms");
  if (connect !== null && /^\d{1,10}$/.test(connect) && Number(connect) > MAX_TIMER_MS) header.delete("connect-timeout-ms");
}
