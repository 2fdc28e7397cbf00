import type { AttackReport } from "./attack-class.js";
import type { Watch } from "./processes/watcher.js";

/** What one attack on one server came to. Sizes are bytes. */
export interface Outcome {
  readonly watch: Watch;
  /** Undefined where the attack failed; `failure` says why. */
  readonly report: AttackReport | undefined;
  readonly failure: string | undefined;
  /** How the server ended; undefined: it lives. */
  readonly ended: string | undefined;
  /** By how much memory resident grew at most; NaN where the system does not say. */
  readonly residentGrowth: number;
  /** The heap in use before the attack, and when it was last looked at; NaN where the server did not answer. */
  readonly heapBefore: number;
  readonly heapAfter: number;
  /** How long the server's main thread was ready to run and got no processor, milliseconds; NaN where the system does not say. */
  readonly serverWaitedMs: number;
}

export const MAX_RESIDENT_GROWTH = 100_000_000;
export const MAX_HEAP_RATIO = 1.2;

/** The bounds that were missed, in the words of the table; empty: all held. */
export function missedBounds({
  watch,
  report,
  failure,
  ended,
  residentGrowth,
  heapBefore,
  heapAfter,
}: Outcome): readonly string[] {
  const missed: string[] = [];
  if (failure !== undefined || report === undefined)
    missed.push(`not attacked: ${failure?.split("\n")[0] ?? "no report"}`);
  else if (report.connections === 0) missed.push("not attacked: no connection");
  if (ended !== undefined) missed.push(`ended with ${ended}`);
  if (watch.checks === 0) missed.push("not watched: no check");
  if (watch.late > 0) missed.push(`${watch.late} checks late`);
  if (watch.failed > 0) missed.push(`${watch.failed} checks failed`);
  if (residentGrowth > MAX_RESIDENT_GROWTH) missed.push("resident memory");
  if (ended === undefined && !isHeapBack(heapBefore, heapAfter)) missed.push("heap");
  if (report !== undefined && report.innocents.answered < report.innocents.opened) {
    missed.push(
      `${report.innocents.opened - report.innocents.answered} of ${report.innocents.opened} innocent calls lost`,
    );
  }
  if (report !== undefined) missed.push(...report.violations);
  return missed;
}

/** Not so where either is unknown. */
export function isHeapBack(before: number, after: number): boolean {
  return after <= before * MAX_HEAP_RATIO;
}
