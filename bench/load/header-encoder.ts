import { HeaderTable, type Header } from "./header-table.js";

/** Writes header blocks. Whatever it has written once on a connection is a byte or two from then on. */
export class HeaderEncoder {
  readonly #table = new HeaderTable();

  encode(headers: readonly Header[]): Buffer {
    return Buffer.concat(headers.map((header) => this.#encodeOne(header)));
  }

  #encodeOne(header: Header): Buffer {
    const index = this.#table.indexOf(header.name, header.value);
    if (index > 0) return integer(0x80, 7, index);
    const nameIndex = this.#table.indexOfName(header.name);
    this.#table.insert(header);
    const name = nameIndex > 0 ? integer(0x40, 6, nameIndex) : Buffer.concat([Buffer.of(0x40), text(header.name)]);
    return Buffer.concat([name, text(header.value)]);
  }
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, "latin1");
  return Buffer.concat([integer(0, 7, bytes.length), bytes]);
}

/** RFC 7541, 5.1. @param flags the bits above the integer's own */
function integer(flags: number, bits: number, value: number): Buffer {
  const largest = 2 ** bits - 1;
  if (value < largest) return Buffer.of(flags | value);
  const octets = [flags | largest];
  let rest = value - largest;
  for (; rest >= 128; rest = Math.floor(rest / 128)) octets.push((rest % 128) | 128);
  octets.push(rest);
  return Buffer.from(octets);
}
