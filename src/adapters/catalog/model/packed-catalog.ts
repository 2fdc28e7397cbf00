import type { RecordTableParts } from "./record-table.js";

/** In `planOf`: a customer without a plan, and one whose resources have others than it. */
export const NO_PLAN = -1;
export const SEVERAL_PLANS = -2;

/** A catalog that was checked, in a few pieces of memory that threads share. Names for people are left out. */
export interface PackedCatalog {
  /** Features and currencies as JSON: what all plans and customers rest on. */
  readonly shared: string;
  readonly plans: RecordTableParts;
  readonly customers: RecordTableParts;
  /** By customer: the number of the one plan that it and its resources have, or NO_PLAN, or SEVERAL_PLANS. */
  readonly planOf: Int32Array;
}
