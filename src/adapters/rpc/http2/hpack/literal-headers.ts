import { staticIndexOfName } from "./header-table.js";

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
