/** Where a part of a text lies, in bytes. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

export interface JsonMember extends ByteRange {
  readonly key: string;
  readonly keyStart: number;
}

/** The members of a JSON object, and the items of one list among them. */
export interface SplitJson {
  readonly members: readonly JsonMember[];
  readonly itemCount: number;
  item(index: number): ByteRange;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/**
 * Finds the parts of a JSON object without reading them, so that a text larger than a string may be, or than memory has
 * room for as objects, can be read in parts. Whether each part is JSON is for whoever reads it.
 *
 * @param listKey of the member whose items are found
 * @returns undefined where the text is no such object, or its keys are repeated or escaped
 */
export function splitJson(bytes: Uint8Array, listKey: string): SplitJson | undefined {
  const scan = new Scan(bytes);
  try {
    return scan.object(listKey);
  } catch (error) {
    if (error === NOT_JSON) return undefined;
    throw error;
  }
}

const NOT_JSON = new Error("not JSON");

class Scan {
  readonly #bytes: Uint8Array;
  #at = 0;
  #items = new Float64Array(1_024);
  #itemCount = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  object(listKey: string): SplitJson {
    const members: JsonMember[] = [];
    const keys = new Set<string>();
    let hasList = false;
    this.#expect(OPEN_OBJECT);
    for (let next = COMMA; next !== CLOSE_OBJECT; next = this.#separator(CLOSE_OBJECT)) {
      const keyStart = this.#skipBlanks();
      const key = this.#key();
      if (keys.has(key)) throw NOT_JSON;
      keys.add(key);
      this.#expect(COLON);
      const start = this.#skipBlanks();
      if (key === listKey) {
        hasList = true;
        this.#list();
      } else this.#skipValue();
      members.push({ key, keyStart, start, end: this.#at });
    }
    if (this.#skipBlanks() < this.#bytes.length || !hasList) throw NOT_JSON;
    const items = this.#items;
    return {
      members,
      itemCount: this.#itemCount,
      item: (index) => ({ start: items[2 * index] as number, end: items[2 * index + 1] as number }),
    };
  }

  #list(): void {
    this.#expect(OPEN_LIST);
    this.#skipBlanks();
    if (this.#bytes[this.#at] === CLOSE_LIST) {
      this.#at++;
      return;
    }
    for (let next = COMMA; next !== CLOSE_LIST; next = this.#separator(CLOSE_LIST)) {
      const start = this.#skipBlanks();
      this.#skipValue();
      if (2 * this.#itemCount === this.#items.length) {
        const larger = new Float64Array(2 * this.#items.length);
        larger.set(this.#items);
        this.#items = larger;
      }
      this.#items[2 * this.#itemCount] = start;
      this.#items[2 * this.#itemCount + 1] = this.#at;
      this.#itemCount++;
    }
  }

  #key(): string {
    const start = this.#at + 1;
    if (this.#bytes[this.#at] !== QUOTE) throw NOT_JSON;
    this.#skipText();
    const key = Buffer.from(this.#bytes.subarray(start, this.#at - 1)).toString("utf8");
    if (key.includes("\\")) throw NOT_JSON;
    return key;
  }

  #skipValue(): void {
    const bytes = this.#bytes;
    let depth = 0;
    const start = this.#at;
    for (; this.#at < bytes.length; this.#at++) {
      const byte = bytes[this.#at] as number;
      if (byte === QUOTE) {
        this.#skipText();
        this.#at--;
      } else if (byte === OPEN_OBJECT || byte === OPEN_LIST) depth++;
      else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) {
        if (depth === 0) break;
        depth--;
      } else if (depth === 0 && (byte === COMMA || isBlank(byte))) break;
      if (depth === 0 && (byte === QUOTE || byte === CLOSE_OBJECT || byte === CLOSE_LIST)) {
        this.#at++;
        break;
      }
    }
    if (this.#at === start || depth > 0) throw NOT_JSON;
  }

  #skipText(): void {
    const bytes = this.#bytes;
    for (let at = this.#at + 1; at < bytes.length; at++) {
      if (bytes[at] === BACKSLASH) at++;
      else if (bytes[at] === QUOTE) {
        this.#at = at + 1;
        return;
      }
    }
    throw NOT_JSON;
  }

  #separator(closing: number): number {
    this.#skipBlanks();
    const byte = this.#bytes[this.#at++];
    if (byte !== COMMA && byte !== closing) throw NOT_JSON;
    return byte;
  }

  #expect(byte: number): void {
    this.#skipBlanks();
    if (this.#bytes[this.#at++] !== byte) throw NOT_JSON;
  }

  #skipBlanks(): number {
    while (isBlank(this.#bytes[this.#at] as number)) this.#at++;
    return this.#at;
  }
}

function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}
