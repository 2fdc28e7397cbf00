import { TimestampSchema } from "@bufbuild/protobuf/wkt";

const SLAB_BYTES = 32 * 1024;
const PREFIX_BYTES = 5;
/** Set in all bytes of a varint but the last. */
const VARINT_CONTINUES = 0x80;
const MAX_UINT32 = 2 ** 32 - 1;
/** A tag is the field's number and, in its three last bits, the wire type: below 16 it has one byte. */
const FIRST_LONG_FIELD = 16;
const MAX_FIELD = 2 ** 29 - 1;
/** Up to this many bytes a loop copies faster than the call that would do it. */
const SHORT_BYTES = 48;

/** How the value after a field's number is laid out (protobuf's wire types). */
const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;

const SECONDS_FIELD = TimestampSchema.field.seconds.number;
const NANOS_FIELD = TimestampSchema.field.nanos.number;

/**
 * Writes protobuf messages, each with gRPC's prefix, from the last byte to the first: a length is written after what it
 * is the length of. So fields are written from the last to the first.
 *
 * Frames lie one before the other in slabs that are never written to again.
 */
export class FrameWriter {
  #slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
  #view = new DataView(this.#slab.buffer);
  #at = SLAB_BYTES;
  /** Behind the last byte of the frame that is being written. */
  #end = SLAB_BYTES;

  /** Begins a frame, whatever came of the last one. */
  begin(): void {
    this.#end = this.#at;
  }

  /** Ends the frame: the message that was written since it began, behind its prefix. */
  finish(): Buffer {
    const length = this.#end - this.#at;
    const start = this.#take(PREFIX_BYTES);
    this.#slab[start] = 0;
    this.#view.setUint32(start + 1, length);
    return this.#slab.subarray(start, this.#end);
  }

  /** How much of the frame is written: where a message within it ends, to be passed to `message`. */
  get length(): number {
    return this.#end - this.#at;
  }

  /** Makes everything written since the frame was `lengthBefore` bytes long a message. */
  message(field: number, lengthBefore: number): void {
    this.#varint(this.length - lengthBefore);
    this.#tag(field, LENGTH_DELIMITED);
  }

  /** A message that is encoded already. */
  bytes(field: number, value: Uint8Array): void {
    const length = value.length;
    const at = this.#take(length);
    const slab = this.#slab;
    if (length > SHORT_BYTES) slab.set(value, at);
    else for (let i = 0; i < length; i++) slab[at + i] = value[i] as number;
    this.#varint(length);
    this.#tag(field, LENGTH_DELIMITED);
  }

  text(field: number, value: string): void {
    this.#varint(value.length <= SHORT_BYTES && this.#ascii(value) ? value.length : this.#utf8(value));
    this.#tag(field, LENGTH_DELIMITED);
  }

  flag(field: number, value: boolean): void {
    const at = this.#take(1);
    this.#slab[at] = value ? 1 : 0;
    this.#tag(field, VARINT);
  }

  double(field: number, value: number): void {
    const at = this.#take(8);
    this.#view.setFloat64(at, value, true);
    this.#tag(field, FIXED64);
  }

  /** @param value an integer, as an int32, int64 or enum may be, and exact as a number */
  integer(field: number, value: number): void {
    this.#integer(value);
    this.#tag(field, VARINT);
  }

  /** @param epochMs epoch milliseconds; nothing is written where a Timestamp cannot hold it */
  timestamp(field: number, epochMs: number | undefined): void {
    const seconds = secondsOf(epochMs);
    if (epochMs === undefined || seconds === undefined) return;
    const before = this.length;
    const nanos = nanosOf(epochMs, seconds);
    if (nanos !== 0) {
      this.#varint(nanos);
      this.#tag(NANOS_FIELD, VARINT);
    }
    if (seconds !== 0) {
      this.#integer(seconds);
      this.#tag(SECONDS_FIELD, VARINT);
    }
    this.message(field, before);
  }

  #tag(field: number, wireType: number): void {
    if (field > 0 && field < FIRST_LONG_FIELD) {
      const at = this.#take(1);
      this.#slab[at] = (field << 3) | wireType;
      return;
    }
    if (!Number.isInteger(field) || field < 1 || field > MAX_FIELD)
      throw new RangeError(`protobuf has no field number ${field}: 1 to ${MAX_FIELD}`);
    this.#varint(((field << 3) | wireType) >>> 0);
  }

  #integer(value: number): void {
    if (value < 0) this.#long(BigInt(value));
    else this.#varint(value);
  }

  #varint(value: number): void {
    if (value < 1 << 7) {
      const at = this.#take(1);
      this.#slab[at] = value;
      return;
    }
    if (value < 1 << 14) {
      const at = this.#take(2);
      this.#slab[at] = value | VARINT_CONTINUES;
      this.#slab[at + 1] = value >>> 7;
      return;
    }
    if (value > MAX_UINT32) {
      this.#long(BigInt(value));
      return;
    }
    const bytes = value < 1 << 21 ? 3 : value < 1 << 28 ? 4 : 5;
    const at = this.#take(bytes);
    const slab = this.#slab;
    slab[at] = value | VARINT_CONTINUES;
    slab[at + 1] = (value >>> 7) | VARINT_CONTINUES;
    if (bytes === 3) {
      slab[at + 2] = value >>> 14;
      return;
    }
    slab[at + 2] = (value >>> 14) | VARINT_CONTINUES;
    if (bytes === 4) {
      slab[at + 3] = value >>> 21;
      return;
    }
    slab[at + 3] = (value >>> 21) | VARINT_CONTINUES;
    slab[at + 4] = value >>> 28;
  }

  /** What has more than 32 bits: timestamps after 2106, and what is below 0, in two's complement of 64. */
  #long(value: bigint): void {
    let rest = BigInt.asUintN(64, value);
    const bytes: number[] = [];
    for (; rest >= VARINT_CONTINUES; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | VARINT_CONTINUES);
    bytes.push(Number(rest));
    const at = this.#take(bytes.length);
    this.#slab.set(bytes, at);
  }

  /** Writes a text that is ASCII alone, as most are. @returns false where it is not, and nothing is written */
  #ascii(value: string): boolean {
    const at = this.#take(value.length);
    const slab = this.#slab;
    for (let i = 0; i < value.length; i++) {
      const code = value.charCodeAt(i);
      if (code > 0x7f) {
        this.#at += value.length;
        return false;
      }
      slab[at + i] = code;
    }
    return true;
  }

  /** @returns how many bytes it has */
  #utf8(value: string): number {
    const length = Buffer.byteLength(value);
    const at = this.#take(length);
    this.#slab.write(value, at);
    return length;
  }

  /** Room before what is written. */
  #take(bytes: number): number {
    if (this.#at < bytes) this.#moveToNewSlab(bytes);
    this.#at -= bytes;
    return this.#at;
  }

  #moveToNewSlab(bytes: number): void {
    const written = this.length;
    const slab = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, 2 * (written + bytes)));
    const at = slab.length - written;
    slab.set(this.#slab.subarray(this.#at, this.#end), at);
    this.#slab = slab;
    this.#view = new DataView(slab.buffer);
    this.#at = at;
    this.#end = slab.length;
  }
}

/** Encodes each of few objects that stand in many answers once: features and currencies belong to the product and not to a customer. */
export function encodedOnce<K extends object, V>(encode: (key: K) => V): (key: K) => V {
  const known = new WeakMap<K, V>();
  return (key) => {
    let encoded = known.get(key);
    if (encoded === undefined) known.set(key, (encoded = encode(key)));
    return encoded;
  };
}

/** What a Timestamp can hold: 0001-01-01T00:00:00Z up to the end of 9999. */
export const FIRST_SECOND = -62_135_596_800;
export const LAST_SECOND = 253_402_300_799;
export const MAX_NANOS = 999_999_999;

/** The seconds of a Timestamp; undefined where it cannot hold the time. */
export function secondsOf(epochMs: number | undefined): number | undefined {
  if (epochMs === undefined || !Number.isFinite(epochMs)) return undefined;
  const seconds = Math.floor(epochMs / 1000);
  return seconds < FIRST_SECOND || seconds > LAST_SECOND ? undefined : seconds;
}

/** The nanos of a Timestamp with these seconds: within its bounds also where the division that gave the seconds was rounded. */
export function nanosOf(epochMs: number, seconds: number): number {
  return Math.max(0, Math.min(MAX_NANOS, Math.floor((epochMs - seconds * 1000) * 1e6)));
}
