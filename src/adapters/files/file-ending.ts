/**
 * How the end of a file that has changed compares with its last good content. A part of a YAML file is YAML too, so
 * nothing in the text itself says that it is all there.
 *
 * - `complete`: it ends as the last good content did, or its outermost bracket is closed
 * - `unclear`: it ends in another way
 * - `early`: it stops at the end of a line after which the last good content went on; the rest may have been removed
 * - `cut`: it stops in the middle of a line or of a bracket, or is empty
 */
export type FileEnding = "complete" | "unclear" | "early" | "cut";

/** Beyond it only the end of a content is remembered and compared, bytes: comparing takes a millisecond or two. */
const MAX_REMEMBERED = 1024 * 1024;

/** How much of the end has to be the same, bytes; more where that occurs earlier in the content as well. */
const SHORTEST_TAIL = 64;
const LONGEST_TAIL = 4_096;

/** How many bytes at the end have to be found in the last good content to be taken for a part of it. */
const KNOWN_PART = 48;

const NEWLINE = 0x0a;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const BLANK = new Set([0x20, 0x09, 0x0a, 0x0d]);

/** What is remembered of the last good content of a file. */
export class GoodContent {
  readonly #length: number;
  /** All of it, or undefined where that is too much to keep. */
  readonly #bytes: Buffer | undefined;
  readonly #tail: Buffer;
  readonly #endsWithNewline: boolean;

  constructor(bytes: Buffer) {
    this.#length = bytes.length;
    // Copies: a slice would keep all of a large content in memory.
    this.#bytes = bytes.length <= MAX_REMEMBERED ? Buffer.from(bytes) : undefined;
    this.#tail = Buffer.from(this.#uniqueTail(bytes));
    this.#endsWithNewline = bytes.at(-1) === NEWLINE;
  }

  endingOf(bytes: Buffer): FileEnding {
    if (bytes.length === 0) return this.#length === 0 ? "complete" : "cut";
    if (isBracketed(bytes)) return this.#endingOfBracketed(bytes);
    const isPart = this.#startsWith(bytes);
    if (!isPart && this.#endsLike(bytes)) return "complete";
    if (bytes.at(-1) !== NEWLINE && this.#endsWithNewline) return "cut";
    return isPart || this.#goesOnAfter(bytes) ? "early" : "unclear";
  }

  #endingOfBracketed(bytes: Buffer): FileEnding {
    if (bytes.length <= MAX_REMEMBERED) return closesItsBracket(bytes) ? "complete" : "cut";
    if (this.#endsLike(bytes)) return "complete";
    return isClosing(lastVisible(bytes)) ? "unclear" : "cut";
  }

  #startsWith(bytes: Buffer): boolean {
    return (
      this.#bytes !== undefined && bytes.length < this.#length && this.#bytes.subarray(0, bytes.length).equals(bytes)
    );
  }

  #endsLike(bytes: Buffer): boolean {
    const { length } = this.#tail;
    return length > 0 && bytes.length >= length && bytes.subarray(bytes.length - length).equals(this.#tail);
  }

  #goesOnAfter(bytes: Buffer): boolean {
    if (this.#bytes === undefined || bytes.length < KNOWN_PART) return false;
    const at = this.#bytes.indexOf(bytes.subarray(bytes.length - KNOWN_PART));
    return at !== -1 && at + KNOWN_PART < this.#length;
  }

  /** The shortest end that occurs once; empty where items that repeat make every end look like another. */
  #uniqueTail(bytes: Buffer): Buffer {
    for (let length = SHORTEST_TAIL; length <= LONGEST_TAIL; length *= 4) {
      const at = Math.max(0, bytes.length - length);
      const tail = bytes.subarray(at);
      if (this.#bytes === undefined ? length === LONGEST_TAIL : bytes.indexOf(tail) === at) return tail;
    }
    return bytes.subarray(bytes.length);
  }
}

/** JSON, or YAML that is written as one mapping or list in brackets. */
function isBracketed(bytes: Buffer): boolean {
  const first = bytes.find((byte) => !BLANK.has(byte));
  return first !== undefined && isOpening(first);
}

function closesItsBracket(bytes: Buffer): boolean {
  let depth = 0;
  let isInText = false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] as number;
    if (isInText) {
      if (byte === BACKSLASH) at++;
      else if (byte === QUOTE) isInText = false;
    } else if (byte === QUOTE) isInText = true;
    else if (isOpening(byte)) depth++;
    else if (isClosing(byte) && --depth === 0) return true;
  }
  return false;
}

function isOpening(byte: number): boolean {
  return byte === 0x7b || byte === 0x5b;
}

function isClosing(byte: number): boolean {
  return byte === 0x7d || byte === 0x5d;
}

function lastVisible(bytes: Buffer): number {
  let at = bytes.length - 1;
  while (at > 0 && BLANK.has(bytes[at] as number)) at--;
  return bytes[at] ?? 0;
}
