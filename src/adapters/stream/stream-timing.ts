/** All times of the update stream, in milliseconds. */
export interface StreamTiming {
  /** How long a connection may take until upstream has acknowledged it. */
  readonly acknowledgeTimeoutMs: number;
  /** How often upstream is pinged. A connection on which nothing has come for three of these is given up. */
  readonly pingIntervalMs: number;
  /** How long after upstream has read a subscription it is taken to be live, unless upstream refuses it. */
  readonly settleMs: number;
  /** The longest second wait before a connection is tried again; the first is 0. It doubles up to a maximum. */
  readonly firstDelayMs: number;
  /** The longest waits, by how long there has been no stream; the last one has no end. */
  readonly maxDelays: readonly { readonly untilMs: number; readonly maxDelayMs: number }[];
  /** The longest wait after upstream has refused the API key. */
  readonly refusedDelayMs: number;
  /** How long a stream has to last before its loss is taken for a new one. */
  readonly stableAfterMs: number;
  /** At most one event that cannot be told whose it is marks everything stale within this time. */
  readonly lostEventIntervalMs: number;
  /** How long upstream may take to agree to the end of a connection. */
  readonly closeTimeoutMs: number;
}

export const DEFAULT_STREAM_TIMING: StreamTiming = Object.freeze({
  acknowledgeTimeoutMs: 10_000,
  pingIntervalMs: 5_000,
  settleMs: 100,
  firstDelayMs: 250,
  maxDelays: Object.freeze([
    { untilMs: 10_000, maxDelayMs: 700 },
    { untilMs: 60_000, maxDelayMs: 4_500 },
    { untilMs: Infinity, maxDelayMs: 30_000 },
  ]),
  refusedDelayMs: 30_000,
  stableAfterMs: 10_000,
  lostEventIntervalMs: 1_000,
  closeTimeoutMs: 250,
});
