import type { BackOffTiming } from "../../../../ports/back-off.js";

/** Milliseconds; the waits are those between two tries to connect. */
export interface LinkTiming extends BackOffTiming {
  /** From the first byte to a server that is ready, each step of it. */
  readonly connectTimeoutMs: number;
  /** How often the other side is asked for a sign of life: a connection on which nothing came meanwhile is silent. */
  readonly pingIntervalMs: number;
  /** A connection that has been silent for so long is given up; until then an answer still counts. */
  readonly silenceLimitMs: number;
}

export const LINK_TIMING: LinkTiming = {
  connectTimeoutMs: 1_000,
  pingIntervalMs: 500,
  silenceLimitMs: 3_000,
  firstDelayMs: 20,
  longestDelayMs: 1_000,
};
