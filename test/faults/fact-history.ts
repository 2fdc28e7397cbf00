/** Where an answer that vouches for what it says comes from; others say that they may be old. */
const VOUCHED_FOR: ReadonlySet<string> = new Set(["memory", "redis", "upstream"]);

/**
 * One fact of one customer over time: a usage, or a limit. Each value is another, so that an answer tells which
 * timestamp it is from.
 *
 * A change is acknowledged once an answer that vouches for itself (neither stale nor fallback) has shown it: from
 * then on the sidecar has it, and no such answer to a later request may be from before it. This asks for more than
 * that changes outside a fault are kept, and nothing of it depends on how fast the machine is.
 */
export class FactHistory {
  readonly name: string;
  readonly #order = new Map<number, number>();
  #latest: number | undefined;
  #acknowledged = -1;

  constructor(name: string) {
    this.name = name;
  }

  becomes(value: number): void {
    if (value === this.#latest) return;
    if (this.#order.has(value))
      throw new Error(`${this.name} was ${value} before: the test could not tell the two timestamps apart`);
    this.#order.set(value, this.#order.size);
    this.#latest = value;
  }

  get latest(): number | undefined {
    return this.#latest;
  }

  /** Whether what is true now has been shown. */
  get isAcknowledged(): boolean {
    return this.#acknowledged === this.#order.size - 1;
  }

  /** The value of the last change that was acknowledged. */
  get shown(): number | undefined {
    return [...this.#order.keys()][this.#acknowledged];
  }

  /** What a request that begins now has to be told at least. */
  get floor(): number {
    return this.#acknowledged;
  }

  /**
   * Judges an answer, and takes note of what it shows.
   *
   * @param floor from when its request began
   * @returns what is wrong with it
   */
  judge(value: number, source: string | undefined, floor: number): string | undefined {
    const timestamp = this.#order.get(value);
    if (timestamp === undefined) return `${this.name} was told as ${value}, which it never was`;
    if (source === "stale") return undefined;
    if (source === undefined || !VOUCHED_FOR.has(source)) return `${this.name} came from ${source ?? "nowhere"}`;
    if (timestamp < floor)
      return `${this.name} was told as ${value} (change ${timestamp}) by ${source}, although change ${floor} was acknowledged before`;
    this.#acknowledged = Math.max(this.#acknowledged, timestamp);
    return undefined;
  }
}
