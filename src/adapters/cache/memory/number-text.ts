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
