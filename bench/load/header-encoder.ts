import { type Header, HeaderTable } from "../../src/adapters/rpc/http2/hpack/header-table.js";
import { indexedLiteral, integer } from "../../src/adapters/rpc/http2/hpack/header-writer.js";

/** Writes header blocks. Whatever it has written once on a connection is a byte or two from then on. */
export class HeaderEncoder {
  readonly #table = new HeaderTable();

  encode(headers: readonly Header[]): Buffer {
    return Buffer.concat(headers.map((header) => this.#encodeOne(header)));
  }

  #encodeOne(header: Header): Buffer {
    const index = this.#indexOf(header);
    if (index !== undefined) return integer(0x80, 7, index);
    this.#table.insert(header);
    return indexedLiteral(header.name, header.value);
  }

  #indexOf({ name, value }: Header): number | undefined {
    for (let index = 1; ; index++) {
      const known = this.#table.at(index);
      if (known === undefined) return undefined;
      if (known.name === name && known.value === value) return index;
    }
  }
}
