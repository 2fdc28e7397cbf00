import type { Random } from "./random.js";

/** One kind of case: how it is made up, and whether the product says of it what the model says. */
export interface Kind<C = unknown> {
  readonly name: string;
  /** How many of a hundred cases are of this kind. */
  readonly share: number;
  /** Plain data: it is printed as JSON, and read again. */
  generate(random: Random): C;
  /** @returns undefined where product and model agree */
  run(testCase: C): Difference | undefined | Promise<Difference | undefined>;
}

export interface Difference {
  /** Where in the case. */
  readonly at: string;
  readonly product: unknown;
  readonly model: unknown;
}

/** Undefined where both are the same as JSON. */
export function differenceAt(at: string, product: unknown, model: unknown): Difference | undefined {
  return isSame(product, model) ? undefined : { at, product, model };
}

/** What is undefined is not there; numbers are compared as JSON writes them. */
function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  const [one, other] = [a as Record<string, unknown>, b as Record<string, unknown>];
  for (const name in one) if (!isSame(one[name], other[name])) return false;
  for (const name in other) if (other[name] !== undefined && one[name] === undefined) return false;
  return true;
}
