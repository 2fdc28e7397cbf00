import { crc32 } from "node:zlib";
import { CodedError } from "../../domain/errors.js";

/**
 * Before each record: the length of its payload; a checksum of all that follows; its number within its file; how many
 * records of the group that it was written with come before it, with a mark at the group's last. Unsigned, 32 bits each.
 */
export const FRAME_BYTES = 16;
export const LAST_OF_GROUP = 0x8000_0000;

/** The longest payload that is believed, bytes. */
export const MAX_PAYLOAD_BYTES = 0x4000_0000;

/** Whether these bytes are one record as it was written. */
export function isWholeFrame(bytes: Buffer): boolean {
  if (bytes.length < FRAME_BYTES || bytes.readUInt32LE(0) !== bytes.length - FRAME_BYTES) return false;
  return crc32(bytes.subarray(8)) === bytes.readUInt32LE(4);
}

const HALF_A_CHARACTER = /\p{Surrogate}/u;
const FIRST_BYTES = 64 * 1024;
/** A larger buffer is not kept for the next group. */
const MAX_KEPT_BYTES = 4 * 1024 * 1024;

/** Collects the records of one group as they are going to be in the file. Strings are UTF-8 behind their length. */
export class RecordBuffer {
  #bytes = Buffer.allocUnsafe(FIRST_BYTES);
  #length = 0;
  #recordAt = 0;
  #lastAt = -1;
  #records = 0;

  get length(): number {
    return this.#length;
  }

  get records(): number {
    return this.#records;
  }

  get content(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  /** @returns where in the group, or in its part, the record begins */
  begin(): number {
    this.#recordAt = this.#length;
    this.#reserve(FRAME_BYTES);
    this.#length += FRAME_BYTES;
    return this.#recordAt;
  }

  /** Takes back what was written since `begin`. */
  abandon(): void {
    this.#length = this.#recordAt;
  }

  end(): void {
    this.#bytes.writeUInt32LE(this.#length - this.#recordAt - FRAME_BYTES, this.#recordAt);
    this.#bytes.writeUInt32LE(this.#records++, this.#recordAt + 12);
    this.#lastAt = this.#recordAt;
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  unsigned(value: number): void {
    this.#reserve(4);
    this.#length = this.#bytes.writeUInt32LE(value, this.#length);
  }

  /** Any number, also an integer up to 2^53. */
  number(value: number): void {
    this.#reserve(8);
    this.#length = this.#bytes.writeDoubleLE(value, this.#length);
  }

  /** @throws CodedError `invalid-argument` for half a character: it would be another text when it is read */
  text(value: string): void {
    if (HALF_A_CHARACTER.test(value))
      throw new CodedError(
        "invalid-argument",
        "an id or key has half of a surrogate pair, which is no character: send valid Unicode",
      );
    this.#reserve(4 + value.length * 3);
    const bytes = this.#bytes.write(value, this.#length + 4);
    this.#bytes.writeUInt32LE(bytes, this.#length);
    this.#length += 4 + bytes;
  }

  /**
   * The group, once it is complete, or a part of it.
   *
   * @param firstIndex the number of the group's first record within the file
   */
  finish(firstIndex: number, isComplete = true): Buffer {
    for (let at = 0; at < this.#length;) {
      const length = this.#bytes.readUInt32LE(at);
      const back = this.#bytes.readUInt32LE(at + 12);
      this.#bytes.writeUInt32LE(firstIndex + back, at + 8);
      if (isComplete && at === this.#lastAt) this.#bytes.writeUInt32LE((back | LAST_OF_GROUP) >>> 0, at + 12);
      this.#bytes.writeUInt32LE(crc32(this.#bytes.subarray(at + 8, at + FRAME_BYTES + length)), at + 4);
      at += FRAME_BYTES + length;
    }
    return this.content;
  }

  /** Lets go of a part that is finished: what comes is of the same group. */
  nextPart(): void {
    this.#length = 0;
    this.#lastAt = -1;
  }

  clear(): void {
    if (this.#bytes.length > MAX_KEPT_BYTES) this.#bytes = Buffer.allocUnsafe(FIRST_BYTES);
    this.#length = 0;
    this.#records = 0;
    this.#lastAt = -1;
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#length + bytes));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}
