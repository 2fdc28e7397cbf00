import { type Header, HeaderList, HeaderTable, HpackFault, MAX_TABLE_BYTES, sizeOf } from "./header-table.js";
import { decodeHuffman } from "./huffman.js";

const INDEXED = 0x80;
const INDEXED_LITERAL = 0x40;
const TABLE_SIZE = 0x20;
const HUFFMAN = 0x80;

/** The largest values that fit into the rest of a first octet. */
const SEVEN_BITS = 0x7f;
const SIX_BITS = 0x3f;
const FIVE_BITS = 0x1f;
const FOUR_BITS = 0x0f;

/** No number that means anything here has more octets of seven bits after its first. */
const MAX_SHIFT = 21;

const NOTHING = Buffer.alloc(0);

/**
 * Reads the header blocks of one direction of one connection, each exactly once and in the order in which they came.
 * A block that has come before costs one look-up, unless the table has changed since.
 */
export class HeaderDecoder {
  readonly #maxListBytes: number;
  readonly #table = new HeaderTable();
  /** Good for as long as the table is what it is. */
  readonly #blocks = new RememberedOctets<HeaderList>();
  /** In Huffman's code, of headers that their sender spells out each time. */
  readonly #texts = new RememberedOctets<string>();
  #bytes: Buffer = NOTHING;
  #at = 0;
  #end = 0;

  /** @param maxHeaderListBytes of a block's names and values and 32 octets for each; what comes after is not kept */
  constructor(maxHeaderListBytes: number) {
    this.#maxListBytes = maxHeaderListBytes;
  }

  /**
   * @param bytes with a whole block from `from` to before `to`; not looked at any more afterwards
   * @throws HpackFault for what is no block, after which this decoder is of no use
   */
  decode(bytes: Buffer, from: number, to: number): HeaderList {
    const known = this.#blocks.find(bytes, from, to);
    if (known !== undefined) return known;
    this.#bytes = bytes;
    this.#at = from;
    this.#end = to;
    let changesTable = this.#readTableSizes();
    const headers: Header[] = [];
    let listBytes = 0;
    while (this.#at < to) {
      const first = bytes[this.#at] as number;
      let header: Header;
      if (first >= INDEXED) header = this.#known(this.#integer(SEVEN_BITS));
      else if (first >= INDEXED_LITERAL) {
        header = this.#literal(SIX_BITS, false);
        this.#table.insert(header);
        changesTable = true;
      } else if (first >= TABLE_SIZE)
        throw new HpackFault("a header block changes the size of the table after its first header");
      else header = this.#literal(FOUR_BITS, true);
      listBytes += sizeOf(header);
      if (listBytes <= this.#maxListBytes) headers.push(header);
    }
    this.#bytes = NOTHING;
    const list = new HeaderList(headers, listBytes > this.#maxListBytes);
    if (changesTable) this.#blocks.forget();
    else this.#blocks.add(bytes, from, to, list);
    return list;
  }

  #readTableSizes(): boolean {
    const from = this.#at;
    while (this.#at < this.#end) {
      const first = this.#bytes[this.#at] as number;
      if (first < TABLE_SIZE || first >= INDEXED_LITERAL) break;
      const size = this.#integer(FIVE_BITS);
      if (size > MAX_TABLE_BYTES)
        throw new HpackFault(`a header block sets the size of the table to ${size}, above ${MAX_TABLE_BYTES}`);
      this.#table.resize(size);
    }
    return this.#at > from;
  }

  #literal(nameBits: number, maySeeAgain: boolean): Header {
    const index = this.#integer(nameBits);
    const name = index > 0 ? this.#known(index).name : this.#text(maySeeAgain);
    return { name, value: this.#text(maySeeAgain) };
  }

  #known(index: number): Header {
    const header = this.#table.at(index);
    if (header === undefined) throw new HpackFault(`a header has the index ${index}, which nothing has`);
    return header;
  }

  #text(maySeeAgain: boolean): string {
    if (this.#at >= this.#end) throw endsWithin();
    const isHuffman = (this.#bytes[this.#at] as number) >= HUFFMAN;
    const length = this.#integer(SEVEN_BITS);
    const from = this.#at;
    const to = from + length;
    if (to > this.#end) throw endsWithin();
    this.#at = to;
    if (!isHuffman) return this.#bytes.toString("latin1", from, to);
    return maySeeAgain ? this.#repeatedText(from, to) : decodeHuffman(this.#bytes, from, to);
  }

  #repeatedText(from: number, to: number): string {
    const known = this.#texts.find(this.#bytes, from, to);
    if (known !== undefined) return known;
    const text = decodeHuffman(this.#bytes, from, to);
    this.#texts.add(this.#bytes, from, to, text);
    return text;
  }

  /** RFC 7541, 5.1. @param largest what the bits of the first octet can hold, of which there must be one */
  #integer(largest: number): number {
    let value = (this.#bytes[this.#at++] as number) & largest;
    if (value < largest) return value;
    for (let shift = 0; shift <= MAX_SHIFT; shift += 7) {
      if (this.#at >= this.#end) throw endsWithin();
      const octet = this.#bytes[this.#at++] as number;
      value += (octet & 0x7f) << shift;
      if (octet < 0x80) return value;
    }
    throw new HpackFault("a header block holds a number of more than 28 bits");
  }
}

function endsWithin(): HpackFault {
  return new HpackFault("a header block ends within a header");
}

/** As long as all headers of a call are whose path is spelled out each time. */
const MAX_OCTETS = 64;
const MAX_REMEMBERED = 64;

interface Remembered<Meaning> {
  readonly octets: Uint8Array;
  readonly meaning: Meaning;
}

/** What some runs of octets mean, so that what comes again and again is decoded once. */
class RememberedOctets<Meaning> {
  /** Made with the first of them: thousands of connections have none. */
  #byHash: Map<number, Remembered<Meaning>> | undefined;

  find(bytes: Uint8Array, from: number, to: number): Meaning | undefined {
    if (to - from > MAX_OCTETS || this.#byHash === undefined || this.#byHash.size === 0) return undefined;
    const remembered = this.#byHash.get(hashOf(bytes, from, to));
    return remembered !== undefined && isSame(remembered.octets, bytes, from, to) ? remembered.meaning : undefined;
  }

  /** @param bytes of which a copy is kept */
  add(bytes: Uint8Array, from: number, to: number, meaning: Meaning): void {
    if (to - from > MAX_OCTETS) return;
    const byHash = (this.#byHash ??= new Map());
    if (byHash.size >= MAX_REMEMBERED) byHash.clear();
    byHash.set(hashOf(bytes, from, to), { octets: new Uint8Array(bytes.subarray(from, to)), meaning });
  }

  forget(): void {
    if (this.#byHash !== undefined && this.#byHash.size > 0) this.#byHash.clear();
  }
}

function hashOf(bytes: Uint8Array, from: number, to: number): number {
  let hash = to - from;
  for (let at = from; at < to; at++) hash = (Math.imul(hash, 31) + (bytes[at] as number)) | 0;
  return hash;
}

function isSame(octets: Uint8Array, bytes: Uint8Array, from: number, to: number): boolean {
  if (octets.length !== to - from) return false;
  for (let at = 0; at < octets.length; at++) if (octets[at] !== bytes[from + at]) return false;
  return true;
}
