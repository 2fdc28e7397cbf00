import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { HeaderDecoder } from "../../../../../src/adapters/rpc/http2/hpack/header-decoder.js";
import { HpackFault, sizeOf } from "../../../../../src/adapters/rpc/http2/hpack/header-table.js";
import { encodeLiteral, indexedLiteral, integer } from "../../../../../src/adapters/rpc/http2/hpack/header-writer.js";
import { decodeBlock, indexed, linesOf, tableSize } from "../../../../builders/header-blocks.js";

const ENOUGH = 65_536;
const NEWEST = indexed(62);

const octets = fc.integer({ min: 0, max: 255 }).map((octet) => String.fromCharCode(octet));
const texts = fc.string({ unit: octets, maxLength: 40 });
const names = fc.oneof(texts, fc.constantFrom("", ":path", ":status", "content-type", "www-authenticate"));
const values = fc.oneof(
  { weight: 9, arbitrary: texts },
  { weight: 1, arbitrary: fc.string({ unit: octets, maxLength: 5_000 }) },
);
const headers = fc.tuple(names, values);

const known = fc.integer({ min: 1, max: 68 }).map(indexed);
const written = fc.oneof(
  headers.map(([name, value]) => indexedLiteral(name, value)),
  headers.map((header) => encodeLiteral([header])),
  fc.integer({ min: 0x20, max: 0x7f }).map((code) => Buffer.of(0x04, 0x81, code | 7)),
);
const sizes = fc.oneof(
  { weight: 9, arbitrary: fc.constant(Buffer.of()) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 4_096 }).map(tableSize) },
);
const fields = fc
  .array(fc.oneof({ weight: 3, arbitrary: known }, { weight: 1, arbitrary: written }), { maxLength: 8 })
  .map((parts) => Buffer.concat(parts));

describe("any octets", () => {
  const anything = fc.oneof(
    known,
    written,
    fc.integer({ min: 0, max: 5_000 }).map(tableSize),
    fc.uint8Array({ maxLength: 30 }).map((some) => Buffer.from(some)),
    fc
      .uint8Array({ maxLength: 30 })
      .map((some) => Buffer.concat([Buffer.of(0x04), integer(0x80, 7, some.length), some])),
  );
  const blocks = fc.array(anything, { maxLength: 6 }).map((parts) => Buffer.concat(parts));

  test("are headers within the limit, or refused", () => {
    fc.assert(
      fc.property(fc.array(blocks, { maxLength: 10 }), fc.integer({ min: 0, max: 1_000 }), (sent, limit) => {
        const decoder = new HeaderDecoder(limit);
        for (const block of sent) {
          const list = listOrFault(() => decodeBlock(decoder, block));
          if (list instanceof HpackFault) return;
          expect(list.headers.reduce((sum, header) => sum + sizeOf(header), 0)).toBeLessThanOrEqual(limit);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("a block means the same", () => {
  const blocks = fc.array(fc.tuple(sizes, fields), { minLength: 1, maxLength: 5 });
  const order = fc.array(fc.nat(), { maxLength: 30 });

  test("whether or not it has come before", () => {
    const tooLongToRemember = encodeLiteral([["filler", "x".repeat(100)]]);
    fc.assert(
      fc.property(blocks, order, (all, sent) => {
        const [remembering, reading] = [new HeaderDecoder(ENOUGH), new HeaderDecoder(ENOUGH)];
        for (const number of sent) {
          const [size, rest] = all[number % all.length]!;
          const lines = listOrFault(() => linesOf(remembering, size, rest));
          const read = listOrFault(() => linesOf(reading, size, tooLongToRemember, rest).slice(1));
          expect(lines).toEqual(read);
          if (lines instanceof HpackFault) return;
        }
      }),
      { numRuns: 1_000 },
    );
  });

  test("but for its end, whatever the limit", () => {
    fc.assert(
      fc.property(blocks, order, fc.integer({ min: 0, max: 500 }), (all, sent, limit) => {
        const [whole, limited] = [new HeaderDecoder(Infinity), new HeaderDecoder(limit)];
        for (const number of sent) {
          const list = listOrFault(() => decodeBlock(whole, ...all[number % all.length]!));
          const cut = listOrFault(() => decodeBlock(limited, ...all[number % all.length]!));
          if (list instanceof HpackFault || cut instanceof HpackFault) {
            expect(cut).toEqual(list);
            return;
          }
          expect(cut.headers).toEqual(list.headers.slice(0, cut.headers.length));
          expect(cut.isTooLarge).toBe(cut.headers.length < list.headers.length);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("headers written out", () => {
  test("are read as they were, and change no table", () => {
    fc.assert(
      fc.property(fc.array(headers, { maxLength: 8 }), (all) => {
        const decoder = new HeaderDecoder(Infinity);
        decodeBlock(decoder, indexedLiteral("a", "1"));
        expect(linesOf(decoder, encodeLiteral(all))).toEqual(all.map(([name, value]) => `${name}: ${value}`));
        expect(linesOf(decoder, NEWEST)).toEqual(["a: 1"]);
      }),
    );
  });

  test.each([126, 127, 128, 254, 255, 256, 16_510, 16_511, 16_512])("are read with a value of %i octets", (length) => {
    expect(linesOf(new HeaderDecoder(Infinity), encodeLiteral([["a", "x".repeat(length)]]))).toEqual([
      `a: ${"x".repeat(length)}`,
    ]);
  });

  test("are inserted where that is asked for", () => {
    fc.assert(
      fc.property(names, texts, (name, value) => {
        const decoder = new HeaderDecoder(ENOUGH);
        expect(linesOf(decoder, indexedLiteral(name, value))).toEqual([`${name}: ${value}`]);
        expect(linesOf(decoder, NEWEST)).toEqual([`${name}: ${value}`]);
      }),
    );
  });
});

/** @throws anything that is no fault of a block */
function listOrFault<Read>(read: () => Read): Read | HpackFault {
  try {
    return read();
  } catch (thrown) {
    if (thrown instanceof HpackFault) return thrown;
    throw thrown;
  }
}
