import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import {
  CELL_UNITS,
  cellAt,
  NumberTextWriter,
  PLACE_UNITS,
  placeAt,
  textOfCells,
} from "../../../../../src/adapters/cache/memory/own-numbers.js";
import { numbers } from "../../../../builders/numbers.js";

const read = (text: string, cells: number) =>
  Array.from({ length: cells }, (_, index) => cellAt(text, index * CELL_UNITS));

describe("a text of numbers", () => {
  it("has every number that was written, of whatever kind, and where there was none", () => {
    fc.assert(
      fc.property(fc.array(fc.option(numbers, { nil: undefined }), { maxLength: 50 }), (cells) => {
        const text = textOfCells(cells);
        expect(text).toHaveLength(cells.length * CELL_UNITS);
        for (const [index, value] of read(text, cells.length).entries()) expect(value).toBe(cells[index]);
      }),
    );
  });

  it.each<[string, number]>([
    ["NaN", NaN],
    ["0", 0],
    ["-0", -0],
    ["Infinity", Infinity],
    ["-Infinity", -Infinity],
    ["-1", -1],
    ["a fraction", 0.1],
    ["the largest of one unit", 2 ** 16 - 1],
    ["one more", 2 ** 16],
    ["the largest of two units", 2 ** 32 - 1],
    ["one more", 2 ** 32],
    ["the largest whole number that is kept as one", 2 ** 48 - 1],
    ["one more", 2 ** 48],
    ["the largest safe whole number", Number.MAX_SAFE_INTEGER],
    ["a larger one", 2 ** 60],
    ["the largest number", Number.MAX_VALUE],
    ["the smallest", Number.MIN_VALUE],
    ["a timestamp", Date.UTC(2026, 0, 1, 1, 2, 3, 4)],
  ])("has %s", (_, value) => {
    expect(read(textOfCells([undefined, value, undefined]), 3)).toEqual([undefined, value, undefined]);
    expect(Object.is(cellAt(textOfCells([value]), 0), value)).toBe(true);
  });

  it("takes every NaN for the same, whatever its bits", () => {
    const bits = new DataView(new ArrayBuffer(8));
    fc.assert(
      fc.property(fc.integer({ min: 0xfff1, max: 0xffff }), fc.nat(0xffff), (first, last) => {
        bits.setUint16(0, first);
        bits.setUint16(6, last);
        expect(cellAt(textOfCells([bits.getFloat64(0)]), 0)).toBeNaN();
      }),
    );
  });

  it("has the positions that were written, also those beyond one unit", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            fc.nat(10),
            fc.integer({ min: 0, max: 2 ** 32 - 1 }),
            fc.constantFrom(2 ** 16 - 1, 2 ** 16, 2 ** 31),
          ),
          { maxLength: 20 },
        ),
        (places) => {
          const writer = new NumberTextWriter(places.length * PLACE_UNITS);
          for (const [index, place] of places.entries()) writer.place(index * PLACE_UNITS, place);
          const text = writer.toText();
          expect(places.map((_, index) => placeAt(text, index * PLACE_UNITS))).toEqual(places);
        },
      ),
    );
  });
});
