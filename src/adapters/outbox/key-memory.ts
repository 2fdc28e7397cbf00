import type { KeyDigest } from "../../domain/outbox/outbox-record.js";

/** 32-bit words of one key: four of its digest, one of what else the report said, and when, in seconds. */
const WORDS = 6;
const FIRST_SLOTS = 1_024;
const LAST_SLOTS = 1 << 20;
const MAX_FILL = 0.7;
/** In place of a time: what was remembered here is taken back. */
const FORGOTTEN = 1;

/** Keys that came one after the other, in one array without an object for each. */
class Generation {
  newestAt = 0;
  #slots = FIRST_SLOTS;
  #words = new Uint32Array(FIRST_SLOTS * WORDS);
  #used = 0;

  get isFull(): boolean {
    return this.#slots === LAST_SLOTS && this.#used >= LAST_SLOTS * MAX_FILL;
  }

  get count(): number {
    return this.#used;
  }

  /** @returns where the key is, or the empty slot where it would be */
  slotOf(digest: KeyDigest): number {
    const words = this.#words;
    for (let slot = digest[0] & (this.#slots - 1); ; slot = (slot + 1) & (this.#slots - 1)) {
      const at = slot * WORDS;
      if (words[at + 5] === 0) return at;
      if (
        words[at] === digest[0] &&
        words[at + 1] === digest[1] &&
        words[at + 2] === digest[2] &&
        words[at + 3] === digest[3]
      )
        return at;
    }
  }

  contentAt(at: number): number {
    return this.#words[at + 4] ?? 0;
  }

  secondsAt(at: number): number {
    return this.#words[at + 5] ?? 0;
  }

  forget(at: number): void {
    this.#words[at + 5] = FORGOTTEN;
  }

  set(digest: KeyDigest, seconds: number): void {
    if (this.#used >= this.#slots * MAX_FILL) this.#grow();
    const at = this.slotOf(digest);
    if (this.#words[at + 5] === 0) this.#used++;
    for (let i = 0; i < 5; i++) this.#words[at + i] = digest[i as 0];
    this.#words[at + 5] = seconds;
    this.newestAt = Math.max(this.newestAt, seconds);
  }

  *entries(): Iterable<{ readonly digest: KeyDigest; readonly seconds: number }> {
    const words = this.#words;
    for (let at = 0; at < words.length; at += WORDS) {
      const seconds = words[at + 5] ?? 0;
      if (seconds > FORGOTTEN)
        yield {
          digest: [words[at] ?? 0, words[at + 1] ?? 0, words[at + 2] ?? 0, words[at + 3] ?? 0, words[at + 4] ?? 0],
          seconds,
        };
    }
  }

  #grow(): void {
    const entries = [...this.entries()];
    this.#slots *= 2;
    this.#words = new Uint32Array(this.#slots * WORDS);
    this.#used = 0;
    for (const { digest, seconds } of entries) this.set(digest, seconds);
  }
}

/**
 * The keys of reports that were accepted lately: some 40 bytes each. They are kept by generations, so that none of the
 * work in proportion to their number is done at once.
 */
export class KeyMemory {
  readonly #keepSeconds: number;
  #generations: Generation[] = [new Generation()];

  constructor(keepMs: number) {
    this.#keepSeconds = Math.ceil(keepMs / 1_000);
  }

  get count(): number {
    return this.#generations.reduce((sum, { count }) => sum + count, 0);
  }

  /** @param now epoch milliseconds */
  find(digest: KeyDigest, now: number): "unknown" | "same" | "other" {
    const since = Math.floor(now / 1_000) - this.#keepSeconds;
    for (let i = this.#generations.length - 1; i >= 0; i--) {
      const generation = this.#generations[i] as Generation;
      const at = generation.slotOf(digest);
      const seconds = generation.secondsAt(at);
      if (seconds > FORGOTTEN && seconds >= since) return generation.contentAt(at) === digest[4] ? "same" : "other";
    }
    return "unknown";
  }

  /** @param at epoch milliseconds */
  remember(digest: KeyDigest, at: number): void {
    let newest = this.#generations.at(-1) as Generation;
    if (newest.isFull) this.#generations.push((newest = new Generation()));
    newest.set(digest, Math.max(Math.floor(at / 1_000), FORGOTTEN + 1));
  }

  forget(digest: KeyDigest): void {
    for (const generation of this.#generations) {
      const at = generation.slotOf(digest);
      if (generation.secondsAt(at) !== 0) generation.forget(at);
    }
  }

  /** Lets go of what is too old. @param now epoch milliseconds */
  expire(now: number): void {
    const since = Math.floor(now / 1_000) - this.#keepSeconds;
    const newest = this.#generations.at(-1) as Generation;
    this.#generations = this.#generations.filter((generation) => generation === newest || generation.newestAt >= since);
  }
}
