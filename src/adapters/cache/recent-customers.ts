/** How many are remembered, and after how many a new round begins. Powers of two. */
const REMEMBERED = 4_096;
const ROUND = 1_024;

/** Keeps counts small whole numbers, which are fastest, for however long a process lives. */
const MASK = 0x3fffffff;

/**
 * The customers that were asked for last. A customer is noted once a round, so that those who are asked for all the
 * time take little of what can be remembered, and cost a check no more than to see that they are noted.
 */
export class RecentCustomers {
  readonly #ring = new Array<string | undefined>(REMEMBERED).fill(undefined);
  #count = 0;
  #round = 1;

  /** Never 0. */
  get round(): number {
    return this.#round;
  }

  /** Called when a customer is asked for who was not noted in this round. */
  note(customerId: string | undefined): void {
    this.#ring[this.#count & (REMEMBERED - 1)] = customerId;
    this.#count = (this.#count + 1) & MASK;
    if ((this.#count & (ROUND - 1)) === 0) this.#round = (this.#round & MASK) + 1;
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
}
