import type { Usage } from "../../domain/usage.js";

/**
 * What of a state is its subject's own, as one array of numbers, NaN where there is none. V8 keeps such an array as
 * one flat run of 8 bytes a number, on its heap: half the objects of a Float64Array, whose buffer is apart. In turn:
 *
 * - the moment from which the set of entitlements is known
 * - the number of ends that follow: none, one for all entitlements, or one for each
 * - where the columns begin
 * - ends
 * - periods: anchor, start and end. Most are the same for all of a subject's usages, and stand here once
 * - for each column: what was used, when that was known, and where its period stands in this array (0: none)
 */
export type OwnNumbers = readonly number[];

const UPDATED_AT = 0;
const END_COUNT = 1;
const FIRST_COLUMN = 2;
const FIRST_END = 3;
const COLUMN_WIDTH = 3;
const PERIOD_WIDTH = 3;

export interface OwnParts {
  readonly updatedAt: number | undefined;
  /** Of every feature and then every wallet, in the order of the set. */
  readonly ends: readonly (number | undefined)[];
  /** Of every column. */
  readonly usages: readonly Usage[];
}

export function packOwnNumbers({ updatedAt, ends, usages }: OwnParts): OwnNumbers {
  const told = endsToTell(ends);
  const numbers = [updatedAt ?? NaN, told.length, 0];
  for (const end of told) numbers.push(end ?? NaN);
  const firstPeriod = numbers.length;
  const columns: number[] = [];
  for (const usage of usages) columns.push(usage.currentUsage, usage.updatedAt ?? NaN, placePeriod(numbers, firstPeriod, usage));
  numbers[FIRST_COLUMN] = numbers.length;
  // An array that grows by pushing holds more than it needs; a new one does not.
  return numbers.concat(columns);
}

function endsToTell(ends: readonly (number | undefined)[]): readonly (number | undefined)[] {
  const [first] = ends;
  for (const end of ends) if (end !== first) return ends;
  return first === undefined ? [] : [first];
}

/** Where a usage's period stands, from `first` on, put there if need be; 0: it has none. */
function placePeriod(numbers: number[], first: number, { periodAnchor = NaN, periodStart = NaN, periodEnd = NaN }: Usage): number {
  if (Number.isNaN(periodAnchor) && Number.isNaN(periodStart) && Number.isNaN(periodEnd)) return 0;
  for (let i = first; i < numbers.length; i += PERIOD_WIDTH) {
    if (Object.is(numbers[i], periodAnchor) && Object.is(numbers[i + 1], periodStart) && Object.is(numbers[i + 2], periodEnd)) return i;
  }
  return numbers.push(periodAnchor, periodStart, periodEnd) - PERIOD_WIDTH;
}

export function updatedAtIn(numbers: OwnNumbers): number | undefined {
  return at(numbers, UPDATED_AT);
}

export function hasEnds(numbers: OwnNumbers): boolean {
  return numbers[END_COUNT] !== 0;
}

/** @param place of a feature, or of a wallet behind all features */
export function endIn(numbers: OwnNumbers, place: number): number | undefined {
  const count = numbers[END_COUNT] ?? 0;
  if (count === 0) return undefined;
  return at(numbers, count === 1 ? FIRST_END : FIRST_END + place);
}

/** The earliest end of all, or Infinity. */
export function earliestEndIn(numbers: OwnNumbers): number {
  let earliest = Infinity;
  const afterEnds = FIRST_END + (numbers[END_COUNT] ?? 0);
  for (let i = FIRST_END; i < afterEnds; i++) earliest = Math.min(earliest, at(numbers, i) ?? Infinity);
  return earliest;
}

export function usageIn(numbers: OwnNumbers, column: number): Usage {
  const i = (numbers[FIRST_COLUMN] ?? 0) + column * COLUMN_WIDTH;
  const period = numbers[i + 2] ?? 0;
  return {
    currentUsage: numbers[i] ?? 0,
    periodAnchor: period === 0 ? undefined : at(numbers, period),
    periodStart: period === 0 ? undefined : at(numbers, period + 1),
    periodEnd: period === 0 ? undefined : at(numbers, period + 2),
    updatedAt: at(numbers, i + 1),
  };
}

function at(numbers: OwnNumbers, index: number): number | undefined {
  const value = numbers[index];
  return value === undefined || Number.isNaN(value) ? undefined : value;
}
