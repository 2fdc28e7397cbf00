import { HeaderTable, type Header } from "./header-table.js";
import { decodeHuffman } from "./huffman.js";

/** Blocks of up to this many octets are told apart by one number. */
const MAX_REMEMBERED = 6;

/**
 * Reads the headers of one connection's answers. A block that only names what both sides already know is the same
 * for as long as the table is, so nearly all blocks cost one look-up.
 */
export class HeaderDecoder {
  readonly #table = new HeaderTable();
  readonly #remembered = new Map<number, ReadonlyMap<string, string>>();
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;

  /** @throws Error for a block that cannot be read, after which the connection is of no use */
  decode(bytes: Buffer, from: number, to: number): ReadonlyMap<string, string> {
    const key = keyOf(bytes, from, to);
    const known = key === undefined ? undefined : this.#remembered.get(key);
    if (known !== undefined) return known;
    this.#bytes = bytes.subarray(0, to);
    this.#at = from;
    const headers = new Map<string, string>();
    while (this.#at < to) {
      const header = this.#next();
      if (header !== undefined) headers.set(header.name, header.value);
    }
    if (key !== undefined) this.#remembered.set(key, headers);
    return headers;
  }

  #next(): Header | undefined {
    const first = this.#bytes[this.#at]!;
    if ((first & 0x80) !== 0) return this.#table.at(this.#integer(7));
    if ((first & 0x40) !== 0) {
      const header = this.#literal(6);
      this.#table.insert(header);
      this.#remembered.clear();
      return header;
    }
    if ((first & 0x20) !== 0) {
      this.#table.resize(this.#integer(5));
      this.#remembered.clear();
      return undefined;
    }
    return this.#literal(4);
  }

  #literal(bits: number): Header {
    const index = this.#integer(bits);
    const name = index > 0 ? this.#table.at(index).name : this.#text();
    return { name, value: this.#text() };
  }

  #text(): string {
    const isHuffman = (this.#bytes[this.#at]! & 0x80) !== 0;
    const length = this.#integer(7);
    const bytes = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return isHuffman ? decodeHuffman(bytes) : bytes.toString("latin1");
  }

  #integer(bits: number): number {
    const largest = 2 ** bits - 1;
    let value = this.#bytes[this.#at++]! & largest;
    if (value < largest) return value;
    for (let factor = 1; ; factor *= 128) {
      const octet = this.#bytes[this.#at++];
      if (octet === undefined) throw new Error("a header block ends within a number");
      value += (octet & 127) * factor;
      if (octet < 128) return value;
    }
  }
}

/** @returns undefined where the block may hold more than indices */
function keyOf(bytes: Buffer, from: number, to: number): number | undefined {
  if (to - from > MAX_REMEMBERED) return undefined;
  let key = 1;
  for (let at = from; at < to; at++) {
    const octet = bytes[at]!;
    if (octet <= 0x80 || octet === 0xff) return undefined;
    key = key * 128 + (octet & 0x7f);
  }
  return key;
}
