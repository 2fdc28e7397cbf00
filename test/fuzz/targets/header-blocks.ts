import { integer } from "../../../src/adapters/rpc/http2/hpack/header-writer.js";
import type { ByteSource } from "../byte-source.js";

const METHOD_GET = 0x82;
const SCHEME_HTTP = 0x86;
const PATH_ROOT = 0x84;
const AUTHORITY = Buffer.from([0x01, 0x01, 0x61]);
const NAMES = [
  "x-a",
  "x-b",
  "grpc-timeout",
  "content-type",
  "cookie",
  "user-agent",
  "x-entitlement-detail",
  ":path",
  "X-Upper",
  "",
  "te",
  "connection",
];
const VALUES = ["", "1", "application/grpc", "0123456789".repeat(5), "a=b; c=d", "\0", "é", " blank ", "x".repeat(130)];
/** Some characters of Huffman's code with their codes, as text of 0 and 1 (RFC 7541, appendix B). */
const HUFFMAN = [
  "00000",
  "00001",
  "00010",
  "00011",
  "00100",
  "00101",
  "00110",
  "00111",
  "01000",
  "01001",
  "010110",
  "010111",
  "011000",
  "100011",
  "101000",
  "1111000",
];

/** A header block as the source chooses it: well formed for the most part, by every way of writing there is. */
export function headerBlock(source: ByteSource): Buffer {
  const parts: Buffer[] = [];
  for (let sizes = source.oneOf([0, 0, 0, 1, 2]); sizes > 0; sizes--)
    parts.push(number(source, 0x20, 5, source.oneOf([0, 1, 64, 100, 4_095, 4_096, 4_097, 70_000])));
  if (!source.seldom(8)) parts.push(Buffer.of(METHOD_GET, SCHEME_HTTP, PATH_ROOT), AUTHORITY);
  for (let fields = source.integer(0, 6); fields > 0; fields--) parts.push(field(source));
  return Buffer.concat(parts);
}

function field(source: ByteSource): Buffer {
  switch (source.integer(0, 9)) {
    case 0:
      return number(source, 0x80, 7, source.integer(0, 61));
    case 1:
    case 2:
      return number(source, 0x80, 7, source.integer(62, 70));
    case 3:
    case 4:
      return literal(source, 0x40, 6);
    case 5:
    case 6:
      return literal(source, 0x00, 4);
    case 7:
      return literal(source, 0x10, 4);
    case 8:
      return source.seldom(4) ? number(source, 0x20, 5, source.integer(0, 5_000)) : literal(source, 0x40, 6);
    default:
      return source.take(source.integer(0, 12));
  }
}

function literal(source: ByteSource, flags: number, bits: number): Buffer {
  const index = source.oneOf([0, 0, 1, 15, 31, 32, 55, 58, 62, 63, 64, 70]);
  const name = index === 0 ? text(source, NAMES) : Buffer.alloc(0);
  return Buffer.concat([number(source, flags, bits, index), name, text(source, VALUES)]);
}

function text(source: ByteSource, known: readonly string[]): Buffer {
  switch (source.integer(0, 5)) {
    case 0:
      return huffman(source);
    case 1: {
      const some = source.take(source.integer(0, 20));
      return Buffer.concat([number(source, source.oneOf([0, 0x80]), 7, some.length), some]);
    }
    case 2:
      // Longer or shorter than it claims to be.
      return Buffer.concat([
        number(source, source.oneOf([0, 0x80]), 7, source.integer(0, 300)),
        source.take(source.integer(0, 20)),
      ]);
    default: {
      const chosen = Buffer.from(source.oneOf(known), "latin1");
      return Buffer.concat([number(source, 0, 7, chosen.length), chosen]);
    }
  }
}

/** Right but for its padding, now and then. */
function huffman(source: ByteSource): Buffer {
  let bits = "";
  for (let length = source.integer(0, 30); length > 0; length--) bits += source.oneOf(HUFFMAN);
  const padding = source.seldom(8) ? source.oneOf(["0", "11111111", "01"]) : "";
  bits = (bits + padding).padEnd(Math.ceil((bits.length + padding.length) / 8) * 8, "1");
  const octets = Buffer.from((bits.match(/.{8}/g) ?? []).map((octet) => Number.parseInt(octet, 2)));
  return Buffer.concat([number(source, 0x80, 7, octets.length), octets]);
}

/** Seldom with more octets than it needs. */
function number(source: ByteSource, flags: number, bits: number, value: number): Buffer {
  const shortest = integer(flags, bits, value);
  if (!source.seldom(24) || shortest.length === 1) return shortest;
  const padded = Buffer.from(shortest);
  padded[padded.length - 1]! |= 0x80;
  return Buffer.concat([padded, Buffer.alloc(source.integer(0, 4), 0x80), Buffer.of(0)]);
}
