import type { HeaderField, ResponseHeaders } from "../../exchange/exchange.js";
import { HEADER_OVERHEAD, MAX_TABLE_BYTES, STATIC_TABLE, staticIndexOfName } from "./header-table.js";

const LITERAL = 0x00;
const INDEXED_LITERAL = 0x40;

/** A whole header block that anyone can read whatever was sent before, and that changes nothing for what follows. */
export function encodeLiteral(headers: Iterable<readonly [name: string, value: string]>): Buffer {
  const fields: Buffer[] = [];
  for (const [name, value] of headers) fields.push(literal(LITERAL, 4, name, value));
  return Buffer.concat(fields);
}

/** A header that its reader inserts into its table as the newest. */
export function indexedLiteral(name: string, value: string): Buffer {
  return literal(INDEXED_LITERAL, 6, name, value);
}

/** RFC 7541, 5.1. @param flags of the first octet, above the `bits` that are the integer's own */
export function integer(flags: number, bits: number, value: number): Buffer {
  const largest = 2 ** bits - 1;
  if (value < largest) return Buffer.of(flags | value);
  const octets = [flags | largest];
  let rest = value - largest;
  for (; rest >= 128; rest = Math.floor(rest / 128)) octets.push((rest % 128) | 128);
  octets.push(rest);
  return Buffer.from(octets);
}

function literal(flags: number, bits: number, name: string, value: string): Buffer {
  const index = staticIndexOfName(name);
  return Buffer.concat(
    index > 0 ? [integer(flags, bits, index), text(value)] : [Buffer.of(flags), text(name), text(value)],
  );
}

function text(characters: string): Buffer {
  return Buffer.concat([integer(0, 7, characters.length), Buffer.from(characters, "latin1")]);
}

/** Far more than the headers that are made once take, far less than a table holds: nothing ever leaves it. */
const MAX_INDEXED_BYTES = 2_048;
const STATUS_200 = 0x88;
const TABLE_OF_SIZE_0 = Buffer.of(0x20);

/** Writes the header blocks of one connection. What it has spelled out once is an index from then on. */
export class HeaderWriter {
  readonly #blocks = new Map<ResponseHeaders, Buffer>();
  /** In the order in which the peer has learnt them. */
  readonly #known: HeaderField[] = [];
  #knownBytes = 0;
  #mayIndex = true;
  #mustTellSize = false;

  /** @param bytes how large the peer lets the table be */
  limitTable(bytes: number): void {
    if (bytes >= MAX_TABLE_BYTES || !this.#mayIndex) return;
    this.#mayIndex = false;
    this.#mustTellSize = true;
    this.#known.length = 0;
    this.#blocks.clear();
  }

  /** What the next block on this connection has to be. */
  blockOf(headers: ResponseHeaders): Buffer {
    return this.withTableSize(this.#blockOf(headers));
  }

  /**
   * What a block by somebody else has to be on this connection.
   *
   * @param block that neither uses nor changes a table
   */
  withTableSize(block: Buffer): Buffer {
    if (!this.#mustTellSize) return block;
    this.#mustTellSize = false;
    return Buffer.concat([TABLE_OF_SIZE_0, block]);
  }

  #blockOf(headers: ResponseHeaders): Buffer {
    if (headers.base !== undefined) return Buffer.concat([this.#blockOf(headers.base), encodeLiteral(headers.fields)]);
    return this.#blocks.get(headers) ?? this.#encode(headers);
  }

  #encode(headers: ResponseHeaders): Buffer {
    const knownBefore = this.#known.length;
    const fields: readonly HeaderField[] =
      headers.status === undefined ? headers.fields : [[":status", String(headers.status)], ...headers.fields];
    const block = Buffer.concat(fields.map((field) => this.#encodeField(field)));
    if (this.#known.length === knownBefore) this.#blocks.set(headers, block);
    // What was learnt has moved the indices of all that was known.
    else this.#blocks.clear();
    return block;
  }

  #encodeField(field: HeaderField): Buffer {
    const [name, value] = field;
    if (name === ":status" && value === "200") return Buffer.of(STATUS_200);
    const position = this.#known.findIndex((known) => known[0] === name && known[1] === value);
    if (position !== -1) return integer(0x80, 7, STATIC_TABLE.length + this.#known.length - 1 - position);
    const bytes = name.length + value.length + HEADER_OVERHEAD;
    if (!this.#mayIndex || this.#knownBytes + bytes > MAX_INDEXED_BYTES) return encodeLiteral([field]);
    this.#known.push(field);
    this.#knownBytes += bytes;
    return indexedLiteral(name, value);
  }
}
