import { createHash, type Hash } from "node:crypto";

/** What happened, line by line: its digest says whether two runs were the same, byte for byte. */
export class History {
  readonly #hash: Hash = createHash("sha256");
  readonly #print: ((line: string) => void) | undefined;
  lines = 0;

  /** @param print given: every line is told */
  constructor(print?: (line: string) => void) {
    this.#print = print;
  }

  add(at: number, who: string, what: string): void {
    const line = `${Math.round(at)} ${who} ${what}`;
    this.lines++;
    this.#hash.update(line).update("\n");
    this.#print?.(line);
  }

  /** The last call. */
  digest(): string {
    return this.#hash.digest("hex").slice(0, 16);
  }
}
