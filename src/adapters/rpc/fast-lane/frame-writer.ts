const SLAB_BYTES = 32 * 1024;
const PREFIX_BYTES = 5;
/** Set in all bytes of a varint but the last. */
const VARINT_CONTINUES = 0x80;
const MAX_UINT32 = 2 ** 32 - 1;

/** How the value after a field's number is laid out (protobuf's wire types). */
const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;

/**
 * Writes protobuf messages, each with gRPC's prefix, from the last byte to the first: what has to say how long
 * it is is written after what it is about. So fields are written from the last to the first. Field numbers are
 * below 16, which is all that answers have.
 *
 * Frames lie one before the other in slabs that are never written to again.
 */
export class FrameWriter {
  #slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
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
    this.#slab.writeUInt32BE(length, start + 1);
    return this.#slab.subarray(start, this.#end);
  }

  /** How much of the frame is written: where a message within it ends, for `message` to be told. */
  get length(): number {
    return this.#end - this.#at;
  }

  /** Makes everything written since the frame was `lengthBefore` bytes long a message. */
  message(field: number, lengthBefore: number): void {
    this.#varint(this.length - lengthBefore);
    this.#tag(field, LENGTH_DELIMITED);
  }

  /** Fields that are encoded already. */
  encoded(fields: Uint8Array): void {
    const at = this.#take(fields.length);
    this.#slab.set(fields, at);
  }

  /** A message that is encoded already. */
  bytes(field: number, value: Uint8Array): void {
    this.encoded(value);
    this.#varint(value.length);
    this.#tag(field, LENGTH_DELIMITED);
  }

  text(field: number, value: string): void {
    const length = Buffer.byteLength(value);
    const at = this.#take(length);
    this.#slab.write(value, at);
    this.#varint(length);
    this.#tag(field, LENGTH_DELIMITED);
  }

  flag(field: number, value: boolean): void {
    const at = this.#take(2);
    this.#slab[at] = field << 3;
    this.#slab[at + 1] = value ? 1 : 0;
  }

  double(field: number, value: number): void {
    const at = this.#take(9);
    this.#slab[at] = (field << 3) | FIXED64;
    this.#slab.writeDoubleLE(value, at + 1);
  }

  /** The same in a field that is left out where it is 0, which -0 is not. */
  amount(field: number, value: number): void {
    if (!Object.is(value, 0)) this.double(field, value);
  }

  /** @param value whole, as an int32, int64 or enum may be, and exact as a number */
  integer(field: number, value: number): void {
    if (value < 0) this.#long(BigInt(value));
    else this.#varint(value);
    this.#tag(field, VARINT);
  }

  #tag(field: number, wireType: number): void {
    const at = this.#take(1);
    this.#slab[at] = (field << 3) | wireType;
  }

  #varint(value: number): void {
    if (value < VARINT_CONTINUES) {
      const at = this.#take(1);
      this.#slab[at] = value;
      return;
    }
    if (value > MAX_UINT32) {
      this.#long(BigInt(value));
      return;
    }
    let bytes = 2;
    for (let rest = value >>> 14; rest !== 0; rest >>>= 7) bytes++;
    const last = this.#take(bytes) + bytes - 1;
    for (let at = last - bytes + 1, rest = value; at <= last; at++, rest >>>= 7) {
      this.#slab[at] = (rest & 0x7f) | (at === last ? 0 : VARINT_CONTINUES);
    }
  }

  /** What has more than 32 bits: moments after 2106, and what is below 0, in two's complement of 64. */
  #long(value: bigint): void {
    let rest = BigInt.asUintN(64, value);
    const bytes: number[] = [];
    for (; rest >= VARINT_CONTINUES; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | VARINT_CONTINUES);
    bytes.push(Number(rest));
    this.encoded(Uint8Array.from(bytes));
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
    this.#at = at;
    this.#end = slab.length;
  }
}
