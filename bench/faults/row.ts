import type { CatalogInput } from "../../src/adapters/catalog/file/catalog-input.js";
import type { Arena, Outcome } from "./arena.js";

/** One fault, and how what it does to a contestant is measured. */
export interface Row {
  /** By which it can be picked. */
  readonly name: string;
  /** As the table tells it. */
  readonly fault: string;
  /** Left out: the contestant knows acme before the fault. */
  readonly isWarm?: false;
  /** It keeps the machine busy, so that times measured beside it would be its own. */
  readonly isBusy?: true;
  /** The contestant keeps its states in a Redis of its own. */
  readonly isOnRedis?: true;
  readonly cacheMaxBytes?: number;
  readonly catalog?: CatalogInput;
  /** @returns what was measured, in a few words */
  readonly measure: (arena: Arena) => Promise<string>;
}

export function seconds(ms: number): string {
  return ms < 950 ? `${Math.max(1, Math.round(ms))} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** When a change was seen. */
export function notifiedOf(outcome: Outcome, of = "fresh"): string {
  switch (outcome.is) {
    case "seen":
      return `${of} after ${seconds(outcome.afterMs)}`;
    case "not seen":
      return `still not ${of} after ${outcome.withinMs / 1000} s`;
    case "died":
      return "its process dies";
  }
}
