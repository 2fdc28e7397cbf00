import { type Header, HEADER_OVERHEAD, sizeOf } from "./header.js";
import { STATIC_TABLE } from "./static-table.js";

/** What a dynamic table holds unless settings say otherwise, and the most that one can hold here, octets. */
export const MAX_TABLE_BYTES = 4_096;

/** Headers without any text would be as many. */
const SLOTS = MAX_TABLE_BYTES / HEADER_OVERHEAD;
const LAST_SLOT = SLOTS - 1;

const FIRST_DYNAMIC = STATIC_TABLE.length;

/** The static and the dynamic table of one direction of one connection (RFC 7541, 2.3). */
export class HeaderTable {
  /** A ring: the newest entry comes after all others. Made with the first of them: thousands of connections have none. */
  #slots: (Header | undefined)[] | undefined;
  #newest = 0;
  #count = 0;
  #bytes = 0;
  #maxBytes = MAX_TABLE_BYTES;

  /** @returns undefined where nothing has this index */
  at(index: number): Header | undefined {
    if (index < FIRST_DYNAMIC) return STATIC_TABLE[index];
    const age = index - FIRST_DYNAMIC;
    return age < this.#count ? this.#slots?.[(this.#newest - age) & LAST_SLOT] : undefined;
  }

  /** Makes room by the eviction of the oldest. A header larger than the whole table leaves an empty one. */
  insert(header: Header): void {
    const bytes = sizeOf(header);
    this.#evictDownTo(this.#maxBytes - bytes);
    if (bytes > this.#maxBytes) return;
    this.#newest = (this.#newest + 1) & LAST_SLOT;
    this.#slots ??= new Array<Header | undefined>(SLOTS).fill(undefined);
    this.#slots[this.#newest] = header;
    this.#count++;
    this.#bytes += bytes;
  }

  /** @param maxBytes 0 to {@link MAX_TABLE_BYTES} */
  resize(maxBytes: number): void {
    if (maxBytes > MAX_TABLE_BYTES)
      throw new RangeError(`a table of headers holds no more than ${MAX_TABLE_BYTES} octets`);
    this.#maxBytes = maxBytes;
    this.#evictDownTo(maxBytes);
  }

  #evictDownTo(bytes: number): void {
    const slots = this.#slots;
    while (slots !== undefined && this.#bytes > bytes && this.#count > 0) {
      this.#count--;
      const oldest = (this.#newest - this.#count) & LAST_SLOT;
      this.#bytes -= sizeOf(slots[oldest] as Header);
      slots[oldest] = undefined;
    }
  }
}
