import type { Lab } from "./lab.js";

/** One figure. */
export interface Row {
  readonly what: string;
  readonly value: number;
  readonly unit: Unit;
  /** What it has to be for the service to be as fast as it claims; undefined for a figure that only explains others. */
  readonly target?: Target | undefined;
  /** Anything worth knowing beside it, in a few words. */
  readonly note?: string | undefined;
}

export type Unit = "per second" | "x" | "ms" | "MB" | "kB" | "share" | "bytes";

export type Target = { readonly atLeast: number } | { readonly atMost: number };

export interface Benchmark {
  /** By which it can be picked. */
  readonly name: string;
  readonly title: string;
  /** Measured only where it is asked for by name. */
  readonly isExtra?: true;
  /** @throws Error where it cannot be measured, or an answer was wrong */
  measure(lab: Lab): Promise<readonly Row[]>;
}

/** Undefined where there is no target. */
export function isMet({ value, target }: Row): boolean | undefined {
  if (target === undefined) return undefined;
  return "atLeast" in target ? value >= target.atLeast : value <= target.atMost;
}
