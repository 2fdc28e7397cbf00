import type { RecordTable } from "./record-table.js";

/** Definitions by id. A map is one. */
export interface Lookup<T> {
  readonly size: number;
  get(id: string): T | undefined;
  keys(): Iterable<string>;
}

export interface Remembered<T> {
  get(index: number): T | undefined;
  set(index: number, value: T): unknown;
}

/** Definitions that are made from their records when they are asked for, and then remembered. */
export class LazyTable<T> implements Lookup<T> {
  readonly records: RecordTable;
  readonly #make: (value: unknown) => T;
  readonly #made: Remembered<T>;

  constructor(records: RecordTable, make: (value: unknown) => T, made: Remembered<T>) {
    this.records = records;
    this.#make = make;
    this.#made = made;
  }

  get size(): number {
    return this.records.size;
  }

  /** The number of the record, or -1. */
  indexOf(id: string): number {
    return this.records.indexOf(id);
  }

  get(id: string): T | undefined {
    const index = this.records.indexOf(id);
    return index === -1 ? undefined : this.at(index);
  }

  at(index: number): T {
    const known = this.#made.get(index);
    if (known !== undefined) return known;
    const made = this.#make(this.records.valueAt(index));
    this.#made.set(index, made);
    return made;
  }

  keys(): Iterable<string> {
    return this.records.keys();
  }
}
