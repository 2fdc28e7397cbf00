/** So many bytes lie in one piece at least, where there are so many. */
const LEAST_BLOCK_BYTES = 64;
/** A small part is put into a block with those before it, which grows up to this; a larger part has a block of its own. */
const BLOCK_BYTES = 4_096;
const NOTHING = Buffer.alloc(0);

/**
 * Bytes that arrive in parts, copied: what a read brings is only good until it is dealt with. Small parts are put together: one of
 * a byte would take a hundred times its size.
 */
export class GatheredBytes {
  readonly #full: Buffer[] = [];
  #block = NOTHING;
  #filled = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** The first bytes, as many as lie in one piece: at least 64 where there are so many. */
  get first(): Buffer {
    return this.#full[0] ?? this.#last;
  }

  /** All of them, in one piece. */
  get all(): Buffer {
    return this.#full.length === 0 ? this.#last : Buffer.concat([...this.#full, this.#last]);
  }

  add(part: Uint8Array): void {
    if (this.#filled + part.length > this.#block.length) this.#makeRoom(part.length);
    this.#block.set(part, this.#filled);
    this.#filled += part.length;
    this.#length += part.length;
  }

  /** Takes out the first piece; undefined where nothing is left. */
  take(): Buffer | undefined {
    if (this.#length === 0) return undefined;
    const piece = this.#full.shift() ?? this.#last;
    this.#length -= piece.length;
    if (this.#length === 0) this.clear();
    return piece;
  }

  clear(): void {
    this.#full.length = 0;
    this.#block = NOTHING;
    this.#filled = 0;
    this.#length = 0;
  }

  get #last(): Buffer {
    return this.#block.subarray(0, this.#filled);
  }

  #makeRoom(bytes: number): void {
    const last = this.#last;
    const grows = last.length + bytes <= BLOCK_BYTES || last.length < LEAST_BLOCK_BYTES;
    if (!grows && last.length > 0) this.#full.push(last);
    const least = grows
      ? Math.min(BLOCK_BYTES, Math.max(LEAST_BLOCK_BYTES, 2 * this.#block.length))
      : last.length > 0
        ? BLOCK_BYTES
        : 0;
    this.#block = Buffer.allocUnsafe(Math.max(least, grows ? last.length + bytes : bytes));
    if (grows) this.#block.set(last);
    else this.#filled = 0;
  }
}
