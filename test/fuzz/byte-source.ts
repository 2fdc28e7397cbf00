/**
 * Choices of a generator, read from an input's bytes. So every input, whatever its bytes, is some case of its target, and a
 * change of a few bytes is a change of a few choices: inputs can be mutated, cut short and kept without knowing the target.
 * Beyond the end all bytes are 0.
 */
export class ByteSource {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isEmpty(): boolean {
    return this.#at >= this.#bytes.length;
  }

  byte(): number {
    return this.#bytes[this.#at++] ?? 0;
  }

  /** Both bounds included. */
  integer(min: number, max: number): number {
    const choices = max - min + 1;
    let value = 0;
    for (let range = 1; range < choices; range *= 256) value = value * 256 + this.byte();
    return min + (value % choices);
  }

  oneOf<T>(choices: readonly T[]): T {
    return choices[this.integer(0, choices.length - 1)] as T;
  }

  /** True once in so many times. */
  seldom(times: number): boolean {
    return this.integer(0, times - 1) === times - 1;
  }

  /** Those that are there. */
  take(count: number): Buffer {
    const taken = Buffer.from(this.#bytes.subarray(this.#at, this.#at + count));
    this.#at += count;
    return taken;
  }

  rest(): Buffer {
    return this.take(this.#bytes.length);
  }
}
