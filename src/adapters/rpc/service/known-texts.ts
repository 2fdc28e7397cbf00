/** How many are known at once. A power of two. With the longest that is kept, a table never holds more than 64 kB of text. */
const PLACES = 512;
const MAX_KEPT_BYTES = 128;
const NOT_ASCII = 0x80;

/**
 * Texts that come over and over, such as the ids of features: one that is known need not be made again, nor hashed when
 * something is looked up by it.
 */
export class KnownTexts {
  readonly #texts = new Array<string>(PLACES).fill("");

  /** What lies in `bytes` from `from` to `to`; undefined where that is not ASCII. */
  textOf(bytes: Buffer, from: number, to: number): string | undefined {
    let hash = 0;
    for (let i = from; i < to; i++) {
      const byte = bytes[i] as number;
      if (byte >= NOT_ASCII) return undefined;
      hash = (Math.imul(hash, 31) + byte) | 0;
    }
    const place = hash & (PLACES - 1);
    const known = this.#texts[place] as string;
    if (isSame(known, bytes, from, to)) return known;
    if (to - from > MAX_KEPT_BYTES) return bytes.toString("latin1", from, to);
    return (this.#texts[place] = bytes.toString("latin1", from, to));
  }
}

function isSame(text: string, bytes: Buffer, from: number, to: number): boolean {
  if (text.length !== to - from) return false;
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) !== bytes[from + i]) return false;
  return true;
}
