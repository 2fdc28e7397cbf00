import type { HeaderDecoder } from "../../src/adapters/rpc/http2/hpack/header-decoder.js";
import type { HeaderList } from "../../src/adapters/rpc/http2/hpack/header-table.js";
import { integer } from "../../src/adapters/rpc/http2/hpack/header-writer.js";

/** A header that both sides know. */
export function indexed(index: number): Buffer {
  return integer(0x80, 7, index);
}

export function tableSize(octets: number): Buffer {
  return integer(0x20, 5, octets);
}

export function decodeBlock(decoder: HeaderDecoder, ...parts: readonly Buffer[]): HeaderList {
  const block = Buffer.concat(parts);
  return decoder.decode(block, 0, block.length);
}

/** A line for each header of a block. */
export function linesOf(decoder: HeaderDecoder, ...parts: readonly Buffer[]): readonly string[] {
  return decodeBlock(decoder, ...parts).headers.map(({ name, value }) => `${name}: ${value}`);
}
