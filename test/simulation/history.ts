import { createHash, type Hash } from "node:crypto";

/** Characters. */
const HASHED_AT_ONCE = 65_536;

/** What happened, line by line: its digest says whether two runs were the same, byte for byte. */
export class History {
  readonly #hash: Hash = createHash("sha256");
  readonly #print: ((line: string) => void) | undefined;
  #unhashed = "";
  lines = 0;

  /** @param print given: every line is told */
  constructor(print?: (line: string) => void) {
    this.#print = print;
  }

  add(at: number, who: string, what: string): void {
    const line = `${Math.round(at)} ${who} ${what}`;
    this.lines++;
    this.#unhashed += `${line}\n`;
    if (this.#unhashed.length > HASHED_AT_ONCE) this.#hashThem();
    this.#print?.(line);
  }

  #hashThem(): void {
    this.#hash.update(this.#unhashed);
    this.#unhashed = "";
  }

  /** The last call. */
  digest(): string {
    this.#hashThem();
    return this.#hash.digest("hex").slice(0, 16);
  }
}
