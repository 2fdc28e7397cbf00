import { openSync } from "node:fs";
import { devNull } from "node:os";
import { describe, expect, it } from "@jest/globals";
import { SeededRandom } from "../../faults/seeded-random.js";
import { ByteSource } from "../../fuzz/byte-source.js";
import type { FuzzTarget } from "../../fuzz/fuzz-target.js";
import { type BlocksThatRan, Fuzzer } from "../../fuzz/fuzzer.js";
import { minimized } from "../../fuzz/minimize.js";

const LONG_ENOUGH_MS = 60_000;

/** How far an input got, as the blocks that ran; it fails at the end of the word. */
class Word implements FuzzTarget, BlocksThatRan {
  readonly name = "word";
  readonly maxBytes = 64;
  readonly dictionary = [];
  readonly #seen = new Set<string>();
  readonly #word: string;
  #ran = new Set<string>();

  constructor(word: string) {
    this.#word = word;
  }

  run(input: Uint8Array): void {
    let right = 0;
    while (right < this.#word.length && input[right] === this.#word.charCodeAt(right)) this.#ran.add(String(++right));
    if (right === this.#word.length) throw new Error("the word");
  }

  take(): Set<string> {
    const ran = this.#ran;
    this.#ran = new Set();
    return ran;
  }

  takeNew(): Set<string> {
    const fresh = [...this.take()].filter((block) => !this.#seen.has(block));
    for (const block of fresh) this.#seen.add(block);
    return new Set(fresh);
  }
}

describe("a fuzzer", () => {
  it("gets further by what it has kept, and finds what random inputs would take ages for", async () => {
    const word = new Word("abc");
    const fuzzer = new Fuzzer(word, new SeededRandom(1), word, [], openSync(devNull, "w"));
    const finding = await fuzzer.runFor(LONG_ENOUGH_MS);
    expect(finding?.error.message).toBe("the word");
    expect(Buffer.from(finding!.input).toString()).toBe("abc");
  });

  it("finds the same again with the same seed", async () => {
    const findings = [];
    for (let run = 0; run < 2; run++) {
      const word = new Word("ab");
      const fuzzer = new Fuzzer(word, new SeededRandom(7), word, [], openSync(devNull, "w"));
      findings.push(await fuzzer.runFor(LONG_ENOUGH_MS));
    }
    expect(findings[0]).toEqual(findings[1]);
  });

  it("takes a promise that is rejected for a finding", async () => {
    const target: FuzzTarget = {
      name: "late",
      maxBytes: 8,
      dictionary: [],
      run: () => Promise.reject(new Error("late")),
    };
    const nothing: BlocksThatRan = { take: () => new Set(), takeNew: () => new Set() };
    const finding = await new Fuzzer(target, new SeededRandom(1), nothing, [], openSync(devNull, "w")).runFor(
      LONG_ENOUGH_MS,
    );
    expect(finding).toMatchObject({ target: "late", input: Buffer.alloc(0) });
  });
});

it("the smallest input that still fails has nothing that does not matter", async () => {
  const input = Buffer.from("....x......y....");
  const smallest = await minimized(input, (candidate) =>
    Promise.resolve(Buffer.from(candidate).toString().replace(/[^xy]/g, "") === "xy"),
  );
  expect(Buffer.from(smallest).toString()).toBe("xy");
});

describe("choices from bytes", () => {
  it("are within their bounds, whatever the bytes", () => {
    const source = new ByteSource(Uint8Array.from({ length: 256 }, (_, byte) => byte));
    while (!source.isEmpty) expect([3, 4, 5]).toContain(source.integer(3, 5));
  });

  it("reach every value of a range wider than a byte", () => {
    expect(new ByteSource(Uint8Array.of(1, 2)).integer(0, 65_535)).toBe(258);
  });

  it("are 0 beyond the end", () => {
    const source = new ByteSource(new Uint8Array());
    expect([source.byte(), source.integer(4, 9), source.take(3).length]).toEqual([0, 4, 0]);
  });
});
