import type { HeaderField, ResponseHeaders } from "../../exchange/exchange.js";
import { HEADER_OVERHEAD } from "./header.js";
import { MAX_TABLE_BYTES, STATIC_TABLE } from "./header-table.js";
import { encodeLiteral, indexedLiteral, integer } from "./literal-headers.js";

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
