import { describe, expect, test } from "@jest/globals";
import { HeaderDecoder } from "../../../../../src/adapters/rpc/http2/hpack/header-decoder.js";
import { HpackFault } from "../../../../../src/adapters/rpc/http2/hpack/header-table.js";
import { encodeLiteral, indexedLiteral, integer } from "../../../../../src/adapters/rpc/http2/hpack/header-writer.js";
import { decodeBlock, indexed, linesOf, tableSize } from "../../../../builders/header-blocks.js";

const ENOUGH = 65_536;
const OVERHEAD = 32;
const NEWEST = indexed(62);
const GET = indexed(2);
const POST = indexed(3);

describe("a header block is refused that", () => {
  test.each<readonly [string, Buffer]>([
    ["names index 0", Buffer.of(0x80)],
    ["names an index after the last", indexed(62)],
    ["names an index far after the last", indexed(2 ** 28)],
    ["takes a name from an index after the last", Buffer.of(0x7e, 0x00)],
    ["has an index that does not end", Buffer.of(0xff, 0x80)],
    ["has an index of more than 28 bits", Buffer.of(0xff, 0x80, 0x80, 0x80, 0x80, 0x01)],
    ["has a number of more than five octets, whatever it is", Buffer.of(0x3f, 0x80, 0x80, 0x80, 0x80, 0x00)],
    ["has a number that goes on and on", Buffer.concat([Buffer.of(0x3f), Buffer.alloc(100, 0x80), Buffer.of(0x00)])],
    ["ends within the size of a table", Buffer.of(0x3f)],
    ["ends before a name", Buffer.of(0x40)],
    ["ends within a name", Buffer.of(0x00, 0x02, 0x61)],
    ["ends before a value", Buffer.of(0x00, 0x01, 0x61)],
    ["ends within a value", Buffer.of(0x00, 0x01, 0x61, 0x02, 0x61)],
    ["ends within a value in Huffman's code", Buffer.of(0x00, 0x01, 0x61, 0x82, 0x07)],
    ["ends within the length of a value", Buffer.of(0x00, 0x01, 0x61, 0x7f, 0xff)],
    ["has a value longer than any block", Buffer.of(0x00, 0x01, 0x61, 0x7f, 0xff, 0xff, 0xff, 0x7f)],
    ["has a value that is no text in Huffman's code", Buffer.of(0x00, 0x01, 0x61, 0x81, 0x00)],
    ["makes the table larger than we said", tableSize(4_097)],
    ["changes the table's size after a header", Buffer.concat([GET, tableSize(100)])],
  ])("%s", (_, block) => {
    for (const ofAnotherFrame of [[], [0x00], [0xff], new Array<number>(300).fill(0x61)]) {
      const bytes = Buffer.concat([block, Buffer.from(ofAnotherFrame)]);
      expect(() => new HeaderDecoder(ENOUGH).decode(bytes, 0, block.length)).toThrow(HpackFault);
    }
  });
});

describe("a table's size", () => {
  test("may change several times ahead of the headers of a block, or without any", () => {
    const decoder = new HeaderDecoder(ENOUGH);
    linesOf(decoder, indexedLiteral("a", "1"));
    expect(linesOf(decoder, tableSize(0), tableSize(4_096), GET)).toEqual([":method: GET"]);
    expect(linesOf(decoder, tableSize(4_000))).toEqual([]);
    expect(() => linesOf(decoder, NEWEST)).toThrow(HpackFault);
  });

  test("is kept by the eviction of the oldest", () => {
    const decoder = new HeaderDecoder(ENOUGH);
    linesOf(
      decoder,
      tableSize(2 * (OVERHEAD + 2)),
      indexedLiteral("a", "1"),
      indexedLiteral("b", "2"),
      indexedLiteral("c", "3"),
    );
    expect(linesOf(decoder, NEWEST, indexed(63))).toEqual(["c: 3", "b: 2"]);
    expect(() => linesOf(decoder, indexed(64))).toThrow(HpackFault);
  });

  test("is exceeded by a header that leaves an empty table, and may take its name from there", () => {
    const decoder = new HeaderDecoder(ENOUGH);
    const large = "x".repeat(4_096);
    linesOf(decoder, indexedLiteral("name", "value"));
    const named = Buffer.concat([integer(0x40, 6, 62), integer(0, 7, large.length), Buffer.from(large)]);
    expect(linesOf(decoder, named)).toEqual([`name: ${large}`]);
    expect(() => linesOf(decoder, NEWEST)).toThrow(HpackFault);
  });

  test("is that of as many of the smallest headers as it holds", () => {
    const decoder = new HeaderDecoder(ENOUGH);
    for (let i = 0; i < 300; i++) linesOf(decoder, indexedLiteral("", String(i % 10)));
    const held = Math.floor(4_096 / (OVERHEAD + 1));
    expect(Array.from({ length: held }, (_, age) => linesOf(decoder, indexed(62 + age)))).toEqual(
      Array.from({ length: held }, (_, age) => [`: ${(299 - age) % 10}`]),
    );
    expect(() => linesOf(decoder, indexed(62 + held))).toThrow(HpackFault);
  });

  test("may be sent in more octets than it needs", () => {
    expect(linesOf(new HeaderDecoder(ENOUGH), Buffer.of(0x3f, 0x80, 0x80, 0x80, 0x00), GET)).toEqual([":method: GET"]);
  });
});

describe("the same block", () => {
  const block = Buffer.concat([POST, NEWEST]);

  test("is answered with the same list, and what its reader has noted there", () => {
    const decoder = after(indexedLiteral("a", "1"));
    const list = decodeBlock(decoder, block);
    list.meaning = "noted";
    expect(decodeBlock(decoder, block)).toBe(list);
    expect(decodeBlock(decoder, POST).meaning).toBe(undefined);
    expect(list.meaning).toBe("noted");
  });

  test.each([
    ["another header was inserted", indexedLiteral("b", "2"), [":method: POST", "b: 2"]],
    [
      "the table was emptied and filled",
      Buffer.concat([tableSize(0), tableSize(4_096), indexedLiteral("c", "3")]),
      [":method: POST", "c: 3"],
    ],
  ])("means something else once %s", (_, change, headers) => {
    const decoder = after(indexedLiteral("a", "1"));
    expect(linesOf(decoder, block)).toEqual([":method: POST", "a: 1"]);
    linesOf(decoder, change);
    expect(linesOf(decoder, block)).toEqual(headers);
  });

  test("is refused once the table was emptied", () => {
    const decoder = after(indexedLiteral("a", "1"));
    linesOf(decoder, block);
    linesOf(decoder, tableSize(0));
    expect(() => linesOf(decoder, block)).toThrow(HpackFault);
  });

  test("changes the table as often as it comes", () => {
    const decoder = new HeaderDecoder(ENOUGH);
    for (let i = 0; i < 3; i++) linesOf(decoder, indexedLiteral("a", "1"));
    expect(linesOf(decoder, indexed(64))).toEqual(["a: 1"]);
  });

  test("is known by its octets, not by where they are", () => {
    const decoder = new HeaderDecoder(ENOUGH);
    const buffer = Buffer.concat([GET, POST]);
    const list = decoder.decode(buffer, 0, 1);
    expect(decoder.decode(buffer, 1, 2)).not.toBe(list);
    buffer.reverse();
    expect(decoder.decode(buffer, 1, 2)).toBe(list);
    expect(decoder.decode(buffer, 0, 1).headers).toEqual([{ name: ":method", value: "POST" }]);
  });

  test("is forgotten once many others have come, but not for long ones", () => {
    const decoder = new HeaderDecoder(ENOUGH);
    const list = decodeBlock(decoder, GET);
    const numbers = Array.from({ length: 100 }, (_, i) => i);
    for (const i of numbers) decodeBlock(decoder, encodeLiteral([["long", `${"x".repeat(100)}${i}`]]));
    expect(decodeBlock(decoder, GET)).toBe(list);
    for (const i of numbers) decodeBlock(decoder, encodeLiteral([["short", String(i)]]));
    expect(decodeBlock(decoder, GET)).not.toBe(list);
  });

  test("is distinguished from every other one, however many there are", () => {
    const decoder = new HeaderDecoder(ENOUGH);
    const indices = Array.from({ length: 61 }, (_, i) => i + 1);
    const alone = new Map(indices.map((i) => [i, linesOf(decoder, indexed(i))]));
    for (const first of indices)
      for (const second of indices)
        expect(linesOf(decoder, indexed(first), indexed(second))).toEqual([
          ...alone.get(first)!,
          ...alone.get(second)!,
        ]);
  });

  test("has texts that are distinguished from every other one", () => {
    const decoder = new HeaderDecoder(ENOUGH);
    const codes = { 0: 0x07, 1: 0x0f, 2: 0x17, a: 0x1f };
    for (let round = 0; round < 2; round++) {
      for (const [text, code] of Object.entries(codes)) {
        // A header too long to be known as a whole.
        expect(
          linesOf(decoder, Buffer.concat([Buffer.of(0x04, 0x81, code), encodeLiteral([["long", "x".repeat(100)]])]))[0],
        ).toBe(`:path: ${text}`);
      }
    }
  });
});

describe("a list of headers that is too large", () => {
  const limit = 2 * (OVERHEAD + 2);
  const block = Buffer.concat([
    indexedLiteral("a", "1"),
    indexedLiteral("b", "2"),
    indexedLiteral("c", "3"),
    indexedLiteral("d", "4"),
  ]);

  test("is one octet larger than the limit", () => {
    const headers = encodeLiteral([
      ["a", "1"],
      ["b", "2"],
    ]);
    expect(new HeaderDecoder(limit).decode(headers, 0, headers.length)).toMatchObject({
      isTooLarge: false,
      headers: [{}, {}],
    });
    expect(new HeaderDecoder(limit - 1).decode(headers, 0, headers.length)).toMatchObject({
      isTooLarge: true,
      headers: [{}],
    });
  });

  test("changes the table as any other", () => {
    const decoder = new HeaderDecoder(limit);
    expect(decodeBlock(decoder, block).isTooLarge).toBe(true);
    expect(linesOf(decoder, NEWEST, indexed(65))).toEqual(["d: 4", "a: 1"]);
  });

  test("is as much too large when it comes again", () => {
    const decoder = new HeaderDecoder(limit);
    expect([decodeBlock(decoder, GET, GET).isTooLarge, decodeBlock(decoder, GET, GET).isTooLarge]).toEqual([
      true,
      true,
    ]);
  });

  test("is refused if its end is not readable", () => {
    expect(() => decodeBlock(new HeaderDecoder(limit), Buffer.concat([block, Buffer.of(0x80)]))).toThrow(HpackFault);
  });

  test("holds no more for a few octets that name the largest header again and again", () => {
    const decoder = after(indexedLiteral("bomb", "x".repeat(4_000)));
    const { headers, isTooLarge } = decodeBlock(decoder, Buffer.concat(new Array<Buffer>(16_000).fill(NEWEST)));
    expect({ count: headers.length, isTooLarge }).toEqual({
      count: Math.floor(ENOUGH / (4_000 + 4 + OVERHEAD)),
      isTooLarge: true,
    });
  });
});

function after(block: Buffer): HeaderDecoder {
  const decoder = new HeaderDecoder(ENOUGH);
  decodeBlock(decoder, block);
  return decoder;
}
