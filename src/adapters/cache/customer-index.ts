/** Entries a place may fill, as a share: beyond it, looking for a place takes many steps. */
const MAX_LOAD = 0.6;
const FIRST_PLACES = 16;
const EMPTY = 0;

/**
 * Finds the row that an id stands in. An open table of whole numbers, hash and row side by side: a lookup touches the
 * table once and the id that it finds, where a Map touches its buckets, its entries and the id.
 */
export class CustomerIndex {
  readonly #ids: (string | undefined)[] = [];
  readonly #freeRows: number[] = [];
  /** Two numbers a place: the hash, and the row plus 1, or EMPTY. */
  #places = new Int32Array(2 * FIRST_PLACES);
  #mask = FIRST_PLACES - 1;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Rows in use or free: all are below this. */
  get rowCount(): number {
    return this.#ids.length;
  }

  idIn(row: number): string | undefined {
    return this.#ids[row];
  }

  /** @returns the row; -1: the id is not there */
  find(id: string, hash: number): number {
    const places = this.#places;
    for (let place = hash & this.#mask; ; place = (place + 1) & this.#mask) {
      const row = places[2 * place + 1];
      if (row === undefined || row === EMPTY) return -1;
      if (places[2 * place] === hash && this.#ids[row - 1] === id) return row - 1;
    }
  }

  /** Puts an id that is not there into a row of its own: one that was freed, or the next. */
  add(id: string, hash: number): number {
    if (this.#size >= (this.#mask + 1) * MAX_LOAD) this.#grow();
    const row = this.#freeRows.pop() ?? this.#ids.length;
    this.#ids[row] = id;
    this.#size++;
    this.#enter(hash, row + 1);
    return row;
  }

  remove(row: number, hash: number): void {
    const places = this.#places;
    let place = hash & this.#mask;
    while (places[2 * place + 1] !== row + 1) place = (place + 1) & this.#mask;
    this.#closeGap(place);
    this.#ids[row] = undefined;
    this.#freeRows.push(row);
    this.#size--;
  }

  #enter(hash: number, entry: number): void {
    let place = hash & this.#mask;
    while (this.#places[2 * place + 1] !== EMPTY) place = (place + 1) & this.#mask;
    this.#places[2 * place] = hash;
    this.#places[2 * place + 1] = entry;
  }

  /** Whoever stands behind the gap and would have stood before it moves up, so that a search may end at an empty place. */
  #closeGap(from: number): void {
    const places = this.#places;
    let gap = from;
    for (let place = (gap + 1) & this.#mask; places[2 * place + 1] !== EMPTY; place = (place + 1) & this.#mask) {
      const hash = places[2 * place] ?? 0;
      const stepsFromHome = (place - hash) & this.#mask;
      const stepsFromGap = (place - gap) & this.#mask;
      if (stepsFromHome < stepsFromGap) continue;
      places[2 * gap] = hash;
      places[2 * gap + 1] = places[2 * place + 1] ?? EMPTY;
      gap = place;
    }
    places[2 * gap + 1] = EMPTY;
  }

  #grow(): void {
    const old = this.#places;
    this.#places = new Int32Array(2 * old.length);
    this.#mask = 2 * this.#mask + 1;
    for (let i = 0; i < old.length; i += 2) if (old[i + 1] !== EMPTY) this.#enter(old[i] ?? 0, old[i + 1] ?? EMPTY);
  }
}
