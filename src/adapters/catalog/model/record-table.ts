/** The parts of a table, in memory that threads can share without a copy. */
export interface RecordTableParts {
  /** UTF-16 code units of all ids, one behind the other: an id may be any text, also one that UTF-8 cannot say. */
  readonly ids: Uint16Array;
  readonly idEnds: Uint32Array;
  /** JSON in UTF-8 of all records, one behind the other. */
  readonly bytes: Uint8Array;
  readonly ends: Float64Array;
  /** Open addressing: the number of a record and 1, or 0; by the hash of its id. */
  readonly slots: Uint32Array;
  readonly hashSeed: number;
}

const FIRST_SLOTS = 16;

/**
 * Many small JSON values by id, in a few large pieces of memory: a thousandth of the objects that the garbage collector
 * would have to visit, and a third of the memory. A value is read when it is asked for. Immutable.
 */
export class RecordTable {
  readonly parts: RecordTableParts;
  readonly #text: Buffer;

  constructor(parts: RecordTableParts) {
    this.parts = parts;
    const { buffer, byteOffset, byteLength } = parts.bytes;
    this.#text = Buffer.from(buffer, byteOffset, byteLength);
  }

  get size(): number {
    return this.parts.idEnds.length;
  }

  /** The number of the record, or -1. */
  indexOf(id: string): number {
    const { slots, hashSeed } = this.parts;
    const mask = slots.length - 1;
    for (let slot = hashOf(id, hashSeed) & mask; ; slot = (slot + 1) & mask) {
      const found = (slots[slot] as number) - 1;
      if (found === -1 || this.#hasId(found, id)) return found;
    }
  }

  idAt(index: number): string {
    const { ids, idEnds } = this.parts;
    let id = "";
    for (let at = startOf(idEnds, index); at < (idEnds[index] as number); at++)
      id += String.fromCharCode(ids[at] as number);
    return id;
  }

  valueAt(index: number): unknown {
    const { ends } = this.parts;
    return JSON.parse(this.#text.toString("utf8", startOf(ends, index), ends[index]));
  }

  /** Whether a record is written as one of another table is. */
  isSame(index: number, other: RecordTable, otherIndex: number): boolean {
    const from = startOf(this.parts.ends, index);
    const to = this.parts.ends[index] as number;
    const otherFrom = startOf(other.parts.ends, otherIndex);
    const otherTo = other.parts.ends[otherIndex] as number;
    return to - from === otherTo - otherFrom && this.#text.compare(other.#text, otherFrom, otherTo, from, to) === 0;
  }

  *keys(): Generator<string> {
    for (let index = 0; index < this.size; index++) yield this.idAt(index);
  }

  #hasId(index: number, id: string): boolean {
    const { ids, idEnds } = this.parts;
    const start = startOf(idEnds, index);
    if ((idEnds[index] as number) - start !== id.length) return false;
    for (let at = 0; at < id.length; at++) if (ids[start + at] !== id.charCodeAt(at)) return false;
    return true;
  }
}

/** Makes a table, in memory that grows by doubling and is cut to size at the end. */
export class RecordTableBuilder {
  /** Another in each table: nobody can choose ids that all have one hash. */
  readonly #hashSeed = Math.trunc(Math.random() * 2 ** 32);
  #ids = new Uint16Array(256);
  #idEnds = new Uint32Array(FIRST_SLOTS);
  #bytes = Buffer.alloc(4_096);
  #ends = new Float64Array(FIRST_SLOTS);
  #hashes = new Uint32Array(FIRST_SLOTS);
  #slots = new Uint32Array(FIRST_SLOTS);
  #size = 0;
  #idLength = 0;
  #length = 0;

  /** @returns false where there is a record with this id already; then nothing is added */
  add(id: string, value: object): boolean {
    const hash = hashOf(id, this.#hashSeed);
    const slot = this.#slotOf(id, hash);
    if (this.#slots[slot] !== 0) return false;
    const json = JSON.stringify(value);
    const length = Buffer.byteLength(json);
    this.#makeRoom(id.length, length);
    for (let at = 0; at < id.length; at++) this.#ids[this.#idLength++] = id.charCodeAt(at);
    this.#bytes.write(json, this.#length);
    this.#length += length;
    this.#idEnds[this.#size] = this.#idLength;
    this.#ends[this.#size] = this.#length;
    this.#hashes[this.#size] = hash;
    this.#slots[slot] = ++this.#size;
    if (this.#size * 2 > this.#slots.length) this.#rehash();
    return true;
  }

  finish(): RecordTable {
    const bytes = new Uint8Array(new SharedArrayBuffer(this.#length));
    bytes.set(this.#bytes.subarray(0, this.#length));
    return new RecordTable({
      ids: shared(Uint16Array, this.#ids.subarray(0, this.#idLength)),
      idEnds: shared(Uint32Array, this.#idEnds.subarray(0, this.#size)),
      bytes,
      ends: shared(Float64Array, this.#ends.subarray(0, this.#size)),
      slots: shared(Uint32Array, this.#slots),
      hashSeed: this.#hashSeed,
    });
  }

  #slotOf(id: string, hash: number): number {
    const mask = this.#slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const found = (this.#slots[slot] as number) - 1;
      if (found === -1 || (this.#hashes[found] === hash && this.#hasId(found, id))) return slot;
    }
  }

  #hasId(index: number, id: string): boolean {
    const start = startOf(this.#idEnds, index);
    if ((this.#idEnds[index] as number) - start !== id.length) return false;
    for (let at = 0; at < id.length; at++) if (this.#ids[start + at] !== id.charCodeAt(at)) return false;
    return true;
  }

  #rehash(): void {
    this.#slots = new Uint32Array(this.#slots.length * 2);
    const mask = this.#slots.length - 1;
    for (let index = 0; index < this.#size; index++) {
      let slot = (this.#hashes[index] as number) & mask;
      while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
      this.#slots[slot] = index + 1;
    }
  }

  #makeRoom(idLength: number, length: number): void {
    this.#ids = grown(this.#ids, this.#idLength + idLength, (size) => new Uint16Array(size));
    this.#bytes = grown(this.#bytes, this.#length + length, (size) => Buffer.alloc(size));
    this.#idEnds = grown(this.#idEnds, this.#size + 1, (size) => new Uint32Array(size));
    this.#ends = grown(this.#ends, this.#size + 1, (size) => new Float64Array(size));
    this.#hashes = grown(this.#hashes, this.#size + 1, (size) => new Uint32Array(size));
  }
}

type Numbers = Uint8Array | Uint16Array | Uint32Array | Float64Array;

function grown<T extends Numbers>(numbers: T, needed: number, make: (size: number) => T): T {
  if (needed <= numbers.length) return numbers;
  const larger = make(Math.max(needed, numbers.length * 2));
  larger.set(numbers);
  return larger;
}

function shared<T extends Numbers>(
  type: { new (memory: SharedArrayBuffer): T; readonly BYTES_PER_ELEMENT: number },
  numbers: T,
): T {
  const copy = new type(new SharedArrayBuffer(numbers.length * type.BYTES_PER_ELEMENT));
  copy.set(numbers);
  return copy;
}

function startOf(ends: Uint32Array | Float64Array, index: number): number {
  return index === 0 ? 0 : (ends[index - 1] as number);
}

/** FNV-1a over code units, and a last mix: the lower bits alone choose the slot. */
function hashOf(id: string, seed: number): number {
  let hash = seed ^ 0x811c9dc5;
  for (let at = 0; at < id.length; at++) hash = Math.imul(hash ^ id.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return (hash ^ (hash >>> 13)) >>> 0;
}
