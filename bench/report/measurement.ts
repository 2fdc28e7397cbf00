import type { Benchmark, Row } from "../benchmark.js";
import type { Machine } from "./machine.js";

/** What came of one benchmark. */
export interface Outcome {
  readonly benchmark: Pick<Benchmark, "name" | "title">;
  readonly rows: readonly Row[];
  /** Why it could not be measured; undefined where it was. */
  readonly failure: string | undefined;
  readonly seconds: number;
}

/** What came of one run of the bench. */
export interface Measurement {
  readonly machine: Machine;
  readonly isSmoke: boolean;
  readonly outcomes: readonly Outcome[];
}
