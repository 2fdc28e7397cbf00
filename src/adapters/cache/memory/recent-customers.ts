/** How many are remembered. A power of two. */
const REMEMBERED = 4_096;
/** After how many customers that were added or noted a new round begins. */
const ROUND = 32;

/** Keeps counts small whole numbers, which are fastest, for however long a process lives. */
const COUNT_MASK = 0x3fffffff;
const ROUND_MASK = COUNT_MASK >> 1;

/**
 * The customers that were asked for last, and a mark of when each was. A customer is noted once a round, so that
 * those who are asked for all the time cost a check no more than to see that they are.
 */
export class RecentCustomers {
  readonly #ring = new Array<string | undefined>(REMEMBERED).fill(undefined);
  #count = 0;
  #round = 0;
  #inRound = 0;
  #askedMark = 1;

  /** What marks a customer who was asked for in this round. */
  get askedMark(): number {
    return this.#askedMark;
  }

  /** Called when a customer is asked for who does not have the mark of this round. */
  note(customerId: string | undefined): void {
    this.#ring[this.#count & (REMEMBERED - 1)] = customerId;
    this.#count = (this.#count + 1) & COUNT_MASK;
    this.#goOn();
  }

  /** The mark of a customer who is added now, and was not asked for yet. */
  markAdded(): number {
    this.#goOn();
    return 2 * this.#round;
  }

  /** How long ago a mark was given, for comparison. One from a billion rounds ago may seem young. */
  ageOf(mark: number): number {
    return (this.#askedMark - mark) & COUNT_MASK;
  }

  /** Each once, the latest first. */
  latestFirst(): ReadonlySet<string> {
    const customerIds = new Set<string>();
    for (let back = 1; back <= REMEMBERED; back++) {
      const customerId = this.#ring[(this.#count - back) & (REMEMBERED - 1)];
      if (customerId !== undefined) customerIds.add(customerId);
    }
    return customerIds;
  }

  #goOn(): void {
    if (++this.#inRound < ROUND) return;
    this.#inRound = 0;
    this.#round = (this.#round + 1) & ROUND_MASK;
    this.#askedMark = 2 * this.#round + 1;
  }
}
