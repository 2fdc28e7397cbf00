import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { isIdTooLong, MAX_ID_BYTES } from "../../../src/domain/subject.js";

describe("an id", () => {
  it("is as long as its bytes in UTF-8, whatever it is", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "binary", maxLength: 50 }),
        fc.string({ unit: "grapheme", maxLength: 50 }),
        fc.nat({ max: 300 }),
        (one, other, maxBytes) => {
          for (const id of [one, other, one + "\ud800", "\udc00" + other])
            expect(isIdTooLong(id, maxBytes)).toBe(Buffer.byteLength(id) > maxBytes);
        },
      ),
    );
  });

  it.each([
    ["\u007f", 1],
    ["\u0080", 2],
    ["\u07ff", 2],
    ["\u0800", 3],
    ["\ud7ff", 3],
    ["\ue000", 3],
    ["\u{10000}", 4],
    ["\u{10ffff}", 4],
    ["\udc00\udc00", 6],
    ["\ud800\ue000", 6],
  ])("that is %j has %i bytes", (id, bytes) => {
    expect([isIdTooLong(id, bytes), isIdTooLong(id, bytes - 1)]).toEqual([false, true]);
  });

  it.each([
    ["a", MAX_ID_BYTES],
    ["é", MAX_ID_BYTES / 2],
    ["😀", MAX_ID_BYTES / 4],
  ])("of many %s may be %i long, and no longer", (character, count) => {
    expect([isIdTooLong(character.repeat(count)), isIdTooLong(character.repeat(count) + "a")]).toEqual([false, true]);
  });
});
