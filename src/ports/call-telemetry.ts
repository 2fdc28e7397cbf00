/** Upper bounds of the latency buckets, milliseconds; what took longer is in one more. */
export const LATENCY_BUCKETS_MS = [
  0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000,
] as const;

/** gRPC's status codes, by their numbers: every call ends with one. */
export const CALL_CODES = [
  "ok",
  "canceled",
  "unknown",
  "invalid_argument",
  "deadline_exceeded",
  "not_found",
  "already_exists",
  "permission_denied",
  "resource_exhausted",
  "failed_precondition",
  "aborted",
  "out_of_range",
  "unimplemented",
  "internal",
  "unavailable",
  "data_loss",
  "unauthenticated",
] as const;

/** One kind of calls, with how many there were. */
export interface CallCount {
  readonly method: string;
  readonly protocol: string;
  readonly code: (typeof CALL_CODES)[number];
  readonly count: number;
}

/** How long the calls of one method took. */
export interface CallLatency {
  readonly method: string;
  /** For each of LATENCY_BUCKETS_MS, and last for what took longer: how many calls, not cumulated. */
  readonly buckets: readonly number[];
  readonly sumMs: number;
}

/** Decisions of single checks, by their outcome. */
export interface DecisionCount {
  readonly outcome: "granted" | "denied";
  /** Why it was denied, or why the answer is a fallback; "" where it was granted on an entitlement. */
  readonly reason: string;
  readonly isFallback: boolean;
  readonly count: number;
}

/** What the service port counts, as it is when asked. */
export interface CallTelemetry {
  readonly calls: () => readonly CallCount[];
  readonly latencies: () => readonly CallLatency[];
  readonly decisions: () => readonly DecisionCount[];
  /** Calls that have begun and are not answered. */
  readonly inFlight: () => number;
  /** Open connections of all listeners. */
  readonly connections: () => number;
  /** Connections that were asked to go, since they sent too many frames that are no part of a call. */
  readonly exceeded: () => number;
}
