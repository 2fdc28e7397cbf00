/** What several contestants reached, turn by turn. */
export class Rounds<Name extends string> {
  readonly #byName = new Map<Name, number[]>();

  add(name: Name, value: number): void {
    const values = this.#byName.get(name);
    if (values === undefined) this.#byName.set(name, [value]);
    else values.push(value);
  }

  median(name: Name): number {
    return median(this.#valuesOf(name));
  }

  /** The median of what `name` reached of `of` in the same round: what the machine did meanwhile was done to both. */
  ratio(name: Name, of: Name): number {
    const others = this.#valuesOf(of);
    return median(this.#valuesOf(name).map((value, round) => value / others[round]!));
  }

  #valuesOf(name: Name): readonly number[] {
    const values = this.#byName.get(name);
    if (values === undefined) throw new Error(`${name} was not measured`);
    return values;
  }
}

/** Lets everyone take a turn in each round, so that what changes with time changes for all. */
export async function interleaved(rounds: number, turns: readonly (() => Promise<void>)[]): Promise<void> {
  for (let round = 0; round < rounds; round++) for (const turn of turns) await turn();
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
