import { describe, expect, test } from "@jest/globals";
import { HpackFault } from "../../../../../src/adapters/rpc/http2/hpack/header-table.js";
import { decodeHuffman } from "../../../../../src/adapters/rpc/http2/hpack/huffman.js";

const ONES_23 = "1".repeat(23);
const ONES_28 = "1".repeat(28);
const END = "1".repeat(30);

describe("text in Huffman's code", () => {
  test.each([
    ["nothing", "", ""],
    ["a code without padding", "11111000", "&"],
    ["a code and three bits of padding", "00000 111", "0"],
    ["seven bits of padding", "00000 00000 1111001 1111111", "00x"],
    ["four codes of five bits", "00000 00001 00010 00011 1111", "012a"],
    ["a code of 13 bits", "1111111111000 111", "\0"],
    ["a code of 28 bits", `${ONES_23}00010 1111`, "\x02"],
    ["a code of 30 bits", `${ONES_28}00 11`, "\n"],
    ["long codes across octets", `00000 ${ONES_28}01 00000 ${ONES_28}10 11`, "0\r0\x16"],
  ])("may be %s", (_, bits, text) => {
    expect(decode(bits)).toBe(text);
  });

  test.each([
    ["is padded with zeros", "00000 000"],
    ["is padded with ones and a zero", "00000 110"],
    ["has an octet of padding", "00000 11111111 111"],
    ["is an octet of padding", "11111111"],
    ["ends within a code", "11111110"],
    ["ends within a long code", "1111111111111111"],
    ["holds the end, in the second half of an octet", `${END} 11`],
    ["holds the end, in the first half of an octet", `010100 ${END} 1111`],
    ["goes on after the end", `${END} 00000 11111`],
  ])("is refused where it %s", (_, bits) => {
    expect(() => decode(bits)).toThrow(HpackFault);
  });

  test("may be long", () => {
    expect(decode("00000".repeat(40_000))).toBe("0".repeat(40_000));
  });
});

/** Finds the text between other octets. @param bits of whole octets, in groups for the eye */
function decode(bits: string): string {
  const octets = bits.replaceAll(" ", "").match(/.{8}/g) ?? [];
  expect(octets.join("")).toHaveLength(bits.replaceAll(" ", "").length);
  const between = Buffer.from([0xff, ...octets.map((octet) => Number.parseInt(octet, 2)), 0xff]);
  return decodeHuffman(between, 1, between.length - 1);
}
