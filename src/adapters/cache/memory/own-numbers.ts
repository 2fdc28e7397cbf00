import type { Usage } from "../../../domain/usage/usage.js";

/**
 * Numbers as the code units of a text. Of what V8 keeps on its heap, a text that was made at once is the one thing with
 * room for any number of numbers that is a single object: the elements of an array are another, which a check that
 * comes to them by chance has to wait for once more.
 *
 * A cell is a number of any kind, or none. Its first unit tells whole numbers from 0 to 2 ** 48, whose bits follow, and
 * what is no number; these are the beginnings of NaNs. Everything else is the 64 bits of the number itself.
 */
export type NumberText = string;

export const CELL_UNITS = 4;
/** A whole number from 0 to 2 ** 32, which any position in a text is. */
export const PLACE_UNITS = 2;

const WHOLE = 0xffff;
const NONE = 0xfffe;
const ENDLESS = 0xfffd;
const UNIT = 2 ** 16;
const TWO_UNITS = 2 ** 32;
const WHOLE_END = 2 ** 48;
const UNIT_BYTES = 2;

const bits = new DataView(new ArrayBuffer(CELL_UNITS * UNIT_BYTES));

/** The units of a text to be. */
export class NumberTextWriter {
  readonly #bytes: Buffer;

  /** @param length in units, all of which are going to be written */
  constructor(length: number) {
    this.#bytes = Buffer.allocUnsafe(length * UNIT_BYTES);
  }

  cell(at: number, value: number | undefined): void {
    if (value === undefined) this.#units(at, NONE, 0, 0, 0);
    else if (value === Infinity) this.#units(at, ENDLESS, 0, 0, 0);
    else if (Number.isInteger(value) && value >= 0 && value < WHOLE_END && !Object.is(value, -0)) {
      this.#units(at, WHOLE, Math.floor(value / TWO_UNITS), (value / UNIT) & (UNIT - 1), value & (UNIT - 1));
    } else {
      // Any NaN but the usual one might begin like a cell of another kind.
      bits.setFloat64(0, Number.isNaN(value) ? NaN : value);
      this.#units(at, bits.getUint16(0), bits.getUint16(2), bits.getUint16(4), bits.getUint16(6));
    }
  }

  place(at: number, value: number): void {
    this.#bytes.writeUInt16LE(value >>> 16, at * UNIT_BYTES);
    this.#bytes.writeUInt16LE(value & (UNIT - 1), (at + 1) * UNIT_BYTES);
  }

  toText(): NumberText {
    return this.#bytes.toString("utf16le");
  }

  #units(at: number, first: number, second: number, third: number, fourth: number): void {
    const bytes = this.#bytes;
    bytes.writeUInt16LE(first, at * UNIT_BYTES);
    bytes.writeUInt16LE(second, (at + 1) * UNIT_BYTES);
    bytes.writeUInt16LE(third, (at + 2) * UNIT_BYTES);
    bytes.writeUInt16LE(fourth, (at + 3) * UNIT_BYTES);
  }
}

/** A text of nothing but cells. */
export function textOfCells(values: readonly (number | undefined)[]): NumberText {
  const writer = new NumberTextWriter(values.length * CELL_UNITS);
  for (const [index, value] of values.entries()) writer.cell(index * CELL_UNITS, value);
  return writer.toText();
}

export function cellAt(text: NumberText, at: number): number | undefined {
  const kind = text.charCodeAt(at);
  if (kind === WHOLE)
    return text.charCodeAt(at + 1) * TWO_UNITS + (text.charCodeAt(at + 2) * UNIT + text.charCodeAt(at + 3));
  if (kind === NONE) return undefined;
  return kind === ENDLESS ? Infinity : numberAt(text, at);
}

export function placeAt(text: NumberText, at: number): number {
  return text.charCodeAt(at) * UNIT + text.charCodeAt(at + 1);
}

function numberAt(text: NumberText, at: number): number {
  for (let unit = 0; unit < CELL_UNITS; unit++) bits.setUint16(unit * UNIT_BYTES, text.charCodeAt(at + unit));
  return bits.getFloat64(0);
}

/**
 * What of a state is its subject's own. The columns stand where they do whatever else there is: then nothing has to be
 * read to know where to read on.
 *
 * - where the ends stand: 0 if there are none
 * - the time from which the set of entitlements is known
 * - for each column: what was used, when that was known, and where its period stands (0: none)
 * - ends, if any: how many, one for all entitlements or one for each, and those
 * - periods: anchor, start and end. Most are the same for all of a subject's usages, and stand here once
 */
export type OwnNumbers = NumberText;

const ENDS = 0;
const UPDATED_AT = ENDS + PLACE_UNITS;
const FIRST_COLUMN = UPDATED_AT + CELL_UNITS;

const USAGE_UPDATED_AT = CELL_UNITS;
const USAGE_PERIOD = USAGE_UPDATED_AT + CELL_UNITS;
const COLUMN_UNITS = USAGE_PERIOD + PLACE_UNITS;

const PERIOD_START = CELL_UNITS;
const PERIOD_END = PERIOD_START + CELL_UNITS;
const PERIOD_UNITS = PERIOD_END + CELL_UNITS;

const NOWHERE = 0;

export interface OwnParts {
  readonly updatedAt: number | undefined;
  /** Of every feature and then every wallet, in the order of the set. */
  readonly ends: readonly (number | undefined)[];
  /** Of every column. */
  readonly usages: readonly Usage[];
}

export function packOwnNumbers({ updatedAt, ends, usages }: OwnParts): OwnNumbers {
  const writtenEnds = endsToTell(ends);
  const firstEnd = FIRST_COLUMN + usages.length * COLUMN_UNITS;
  const firstPeriod = firstEnd + (writtenEnds.length === 0 ? 0 : PLACE_UNITS + writtenEnds.length * CELL_UNITS);
  const periods: Usage[] = [];
  const places = usages.map((usage) =>
    hasPeriod(usage) ? firstPeriod + placePeriod(periods, usage) * PERIOD_UNITS : NOWHERE,
  );
  const writer = new NumberTextWriter(firstPeriod + periods.length * PERIOD_UNITS);
  writer.place(ENDS, writtenEnds.length === 0 ? NOWHERE : firstEnd);
  writer.cell(UPDATED_AT, updatedAt);
  for (const [column, usage] of usages.entries()) {
    const at = FIRST_COLUMN + column * COLUMN_UNITS;
    writer.cell(at, usage.currentUsage);
    writer.cell(at + USAGE_UPDATED_AT, usage.updatedAt);
    writer.place(at + USAGE_PERIOD, places[column] ?? NOWHERE);
  }
  if (writtenEnds.length > 0) writer.place(firstEnd, writtenEnds.length);
  for (const [index, end] of writtenEnds.entries()) writer.cell(firstEnd + PLACE_UNITS + index * CELL_UNITS, end);
  for (const [index, { periodAnchor, periodStart, periodEnd }] of periods.entries()) {
    const at = firstPeriod + index * PERIOD_UNITS;
    writer.cell(at, periodAnchor);
    writer.cell(at + PERIOD_START, periodStart);
    writer.cell(at + PERIOD_END, periodEnd);
  }
  return writer.toText();
}

function endsToTell(ends: readonly (number | undefined)[]): readonly (number | undefined)[] {
  const [first] = ends;
  for (const end of ends) if (end !== first) return ends;
  return first === undefined ? [] : [first];
}

function hasPeriod({ periodAnchor, periodStart, periodEnd }: Usage): boolean {
  return periodAnchor !== undefined || periodStart !== undefined || periodEnd !== undefined;
}

/** The index of a usage's period, put there if need be. */
function placePeriod(periods: Usage[], usage: Usage): number {
  for (let index = 0; index < periods.length; index++) if (haveSamePeriod(periods[index] as Usage, usage)) return index;
  return periods.push(usage) - 1;
}

function haveSamePeriod(one: Usage, other: Usage): boolean {
  return (
    Object.is(one.periodAnchor, other.periodAnchor) &&
    Object.is(one.periodStart, other.periodStart) &&
    Object.is(one.periodEnd, other.periodEnd)
  );
}

export function updatedAtIn(own: OwnNumbers): number | undefined {
  return cellAt(own, UPDATED_AT);
}

export function hasEnds(own: OwnNumbers): boolean {
  return placeAt(own, ENDS) !== NOWHERE;
}

/** @param place of a feature, or of a wallet behind all features */
export function endIn(own: OwnNumbers, place: number): number | undefined {
  const ends = placeAt(own, ENDS);
  if (ends === NOWHERE) return undefined;
  const index = placeAt(own, ends) === 1 ? 0 : place;
  return cellAt(own, ends + PLACE_UNITS + index * CELL_UNITS);
}

/** The earliest end of all, or Infinity. */
export function earliestEndIn(own: OwnNumbers): number {
  const ends = placeAt(own, ENDS);
  let earliest = Infinity;
  const count = ends === NOWHERE ? 0 : placeAt(own, ends);
  for (let index = 0; index < count; index++)
    earliest = Math.min(earliest, cellAt(own, ends + PLACE_UNITS + index * CELL_UNITS) ?? Infinity);
  return earliest;
}

export function usageIn(own: OwnNumbers, column: number): Usage {
  const at = FIRST_COLUMN + column * COLUMN_UNITS;
  const period = placeAt(own, at + USAGE_PERIOD);
  return {
    currentUsage: cellAt(own, at) ?? 0,
    periodAnchor: period === NOWHERE ? undefined : cellAt(own, period),
    periodStart: period === NOWHERE ? undefined : cellAt(own, period + PERIOD_START),
    periodEnd: period === NOWHERE ? undefined : cellAt(own, period + PERIOD_END),
    updatedAt: cellAt(own, at + USAGE_UPDATED_AT),
  };
}
