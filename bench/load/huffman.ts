/**
 * The Huffman code of HPACK (RFC 7541, appendix B) for printable text: characters by the length of their code, in
 * the order of their codes, which follow from that.
 */
const BY_LENGTH: readonly (readonly [bits: number, characters: string])[] = [
  [5, "012aceiost"],
  [6, " %-./3456789=A_bdfghlmnpru"],
  [7, ":BCDEFGHIJKLMNOPQRSTUVWYjkqvwxyz"],
  [8, "&*,;XZ"],
  [10, '!"()?'],
  [11, "'+|"],
  [12, "#>"],
  [13, "\0$@[]~"],
  [14, "^}"],
  [15, "<`{"],
];

const CHARACTER_OF = codes();
const LONGEST = 15;

/** @throws Error for what is not printable, which no header that is asked for here is */
export function decodeHuffman(bytes: Uint8Array): string {
  let text = "";
  let code = 0;
  let bits = 0;
  for (const byte of bytes) {
    for (let bit = 7; bit >= 0; bit--) {
      code = (code << 1) | ((byte >> bit) & 1);
      bits++;
      const character = CHARACTER_OF.get(keyOf(bits, code));
      if (character !== undefined) {
        text += character;
        code = 0;
        bits = 0;
      } else if (bits > LONGEST) throw new Error("a header holds characters that are not printable");
    }
  }
  return text;
}

function codes(): ReadonlyMap<number, string> {
  const characters = new Map<number, string>();
  let next = 0;
  let length = 0;
  for (const [bits, ofThisLength] of BY_LENGTH) {
    next <<= bits - length;
    length = bits;
    for (const character of ofThisLength) characters.set(keyOf(bits, next++), character);
  }
  return characters;
}

function keyOf(bits: number, code: number): number {
  return bits * 65_536 + code;
}
