import { writeSync } from "node:fs";
import type { SeededRandom } from "../faults/seeded-random.js";
import { type FuzzTarget, runWithin } from "./fuzz-target.js";
import { minimized } from "./minimize.js";
import { freshInput, mutated } from "./mutate.js";

/** What one input may take. */
const INPUT_TIMEOUT_MS = 15_000;
/** Between two looks at what has run: such a look costs a millisecond. */
const BATCH_MS = 20;
const BATCH_INPUTS = 256;
/** How many of the inputs that ran something new are kept to be mutated. */
const MOST_KEPT = 2_000;

/** Blocks of the code under test, by some name of theirs. */
export interface BlocksThatRan {
  /** What has run since the last call. */
  take(): Set<string>;
  /** Of what has run since the last call, what had never run before. */
  takeNew(): Set<string>;
}

export interface Finding {
  readonly target: string;
  readonly input: Uint8Array;
  readonly error: Error;
}

/** Fuzzes one target: inputs that ran what none had run before are kept, and most new inputs are mutations of those. */
export class Fuzzer {
  readonly target: FuzzTarget;
  readonly #random: SeededRandom;
  readonly #coverage: BlocksThatRan;
  readonly #currentFile: number;
  readonly #kept: Uint8Array[];
  inputs = 0;

  /**
   * @param corpus inputs to begin with
   * @param currentFile an open file that takes the input that runs in its first line, for whoever watches this process end
   */
  constructor(
    target: FuzzTarget,
    random: SeededRandom,
    coverage: BlocksThatRan,
    corpus: readonly Uint8Array[],
    currentFile: number,
  ) {
    this.target = target;
    this.#random = random;
    this.#coverage = coverage;
    this.#kept = [...corpus];
    this.#currentFile = currentFile;
  }

  get kept(): number {
    return this.#kept.length;
  }

  /** Runs one input. @returns what it shows */
  async try(input: Uint8Array): Promise<Error | undefined> {
    writeSync(this.#currentFile, `${this.target.name} ${Buffer.from(input).toString("hex")}\n`, 0);
    this.inputs++;
    try {
      await runWithin(this.target, input, INPUT_TIMEOUT_MS);
      return undefined;
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }

  /** Runs for some milliseconds, or until something is found. */
  async runFor(ms: number): Promise<Finding | undefined> {
    const until = performance.now() + ms;
    while (performance.now() < until) {
      const batch: Uint8Array[] = [];
      this.#coverage.take();
      const batchUntil = performance.now() + BATCH_MS;
      while (batch.length < BATCH_INPUTS && performance.now() < batchUntil) {
        const input = this.#next();
        batch.push(input);
        const error = await this.try(input);
        if (error !== undefined) return this.#found(input, error);
      }
      await this.#keepFrom(batch, this.#coverage.takeNew());
    }
    return undefined;
  }

  #next(): Uint8Array {
    const { dictionary, maxBytes } = this.target;
    if (this.#kept.length === 0 || this.#random.fraction() < 0.2) return freshInput(this.#random, dictionary, maxBytes);
    return mutated(this.#random, this.#random.oneOf(this.#kept), this.#random.oneOf(this.#kept), dictionary, maxBytes);
  }

  /** Runs a batch again, one by one, and keeps those by which the new blocks ran. */
  async #keepFrom(batch: readonly Uint8Array[], fresh: Set<string>): Promise<void> {
    for (const input of batch) {
      if (fresh.size === 0) return;
      this.#coverage.take();
      if ((await this.try(input)) !== undefined) continue;
      let isNew = false;
      for (const block of this.#coverage.take()) isNew = fresh.delete(block) || isNew;
      if (!isNew) continue;
      if (this.#kept.length < MOST_KEPT) this.#kept.push(input);
      else this.#kept[this.#random.integer(0, MOST_KEPT - 1)] = input;
    }
  }

  async #found(input: Uint8Array, error: Error): Promise<Finding> {
    const kind = kindOf(error);
    let smallest = error;
    const best = await minimized(input, async (candidate) => {
      const failure = await this.try(candidate);
      if (failure === undefined || kindOf(failure) !== kind) return false;
      smallest = failure;
      return true;
    });
    return { target: this.target.name, input: best, error: smallest };
  }
}

/** Faults whose messages differ in numbers alone are taken for one. */
function kindOf({ message }: Error): string {
  return (message.split("\n")[0] ?? "").replace(/\d+/g, "0").slice(0, 60);
}
