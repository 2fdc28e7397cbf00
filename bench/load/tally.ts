import { Histogram, type Percentiles } from "./histogram.js";

/** One in so many answers is decoded and compared with what it has to be. */
const SAMPLED = 64;

/** What came back, counted. */
export class Tally {
  /** Of windows that have ended. */
  readonly #before = new Histogram();
  readonly #window = new Histogram();
  answers = 0;
  verified = 0;
  readonly errors = new Map<string, number>();
  readonly #isDecoded: boolean;
  #untilSample = SAMPLED;

  /** @param isDecoded false for a peer that answers the same to everyone */
  constructor(isDecoded: boolean) {
    this.#isDecoded = isDecoded;
  }

  /** Counts from here on. */
  begin(): void {
    this.#before.clear();
    this.#window.clear();
    this.answers = 0;
    this.verified = 0;
    this.errors.clear();
  }

  answered(ms: number): void {
    this.answers++;
    this.#window.add(ms);
  }

  /** How long the answers took that came since this was called last. */
  endWindow(): Percentiles {
    const percentiles = this.#window.percentiles();
    this.#before.addAll(this.#window);
    this.#window.clear();
    return percentiles;
  }

  /** How long all of them took. */
  latency(): Percentiles {
    this.endWindow();
    return this.#before.percentiles();
  }

  failed(reason: string): void {
    this.errors.set(reason, (this.errors.get(reason) ?? 0) + 1);
  }

  wantsSample(): boolean {
    if (!this.#isDecoded || --this.#untilSample > 0) return false;
    this.#untilSample = SAMPLED;
    return true;
  }
}
