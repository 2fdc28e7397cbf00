import { promisify } from "node:util";
import { brotliDecompress, gunzip, inflate } from "node:zlib";

type Decode = (encoded: Buffer, options: { readonly maxOutputLength: number }) => Promise<Buffer>;

/**
 * None of them is asked for, since a state is short and the way to it too. But who does not say what it takes may be sent any of
 * them (RFC 9110, section 12.5.3), as by a store that keeps its objects compressed.
 */
const DECODERS: ReadonlyMap<string, Decode> = new Map([
  ["gzip", promisify(gunzip)],
  ["x-gzip", promisify(gunzip)],
  ["deflate", promisify(inflate)],
  ["br", promisify(brotliDecompress)],
]);

/**
 * @param encoding of a Content-Encoding header; undefined: the bytes are as they are
 * @returns undefined where there is nothing to decode
 */
export function decoderOf(encoding: string | undefined): Decode | undefined {
  const name = (encoding ?? "").trim().toLowerCase();
  if (name === "" || name === "identity") return undefined;
  return DECODERS.get(name) ?? (() => Promise.reject(new Error("it is not known")));
}
