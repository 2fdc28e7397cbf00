import { expect, it, jest } from "@jest/globals";
import fc from "fast-check";
import { KnownTexts } from "../../../../../src/adapters/rpc/service/request-reader.js";

it("every text of ASCII is read as it is, however many come and in whichever order", () => {
  const texts = new KnownTexts();
  const come = fc.array(
    fc.string({ unit: fc.integer({ min: 0, max: 0x7f }).map((code) => String.fromCharCode(code)), maxLength: 20 }),
    { maxLength: 50 },
  );
  fc.assert(
    fc.property(come, fc.nat({ max: 5 }), (all, before) => {
      for (const text of [...all, ...all]) {
        const bytes = Buffer.from("-".repeat(before) + text + "behind");
        expect(texts.textOf(bytes, before, before + text.length)).toBe(text);
      }
    }),
  );
});

it("any other text is not read", () => {
  expect(new KnownTexts().textOf(Buffer.from("café"), 0, 5)).toBeUndefined();
});

it("a text that comes again is not made again", () => {
  const texts = new KnownTexts();
  texts.textOf(Buffer.from("seats"), 0, 5);
  const again = Buffer.from("seats");
  const made = jest.spyOn(again, "toString");
  expect(texts.textOf(again, 0, 5)).toBe("seats");
  expect(made).not.toHaveBeenCalled();
});

it("a text of more than 128 bytes is reported and not kept: a table never holds more than 64 kB", () => {
  const texts = new KnownTexts();
  const long = "x".repeat(129);
  expect(texts.textOf(Buffer.from(long), 0, 129)).toBe(long);
  const again = Buffer.from(long);
  const made = jest.spyOn(again, "toString");
  expect(texts.textOf(again, 0, 129)).toBe(long);
  expect(made).toHaveBeenCalled();
});
