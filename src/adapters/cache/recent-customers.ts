/** A power of two. */
const REMEMBERED = 1_024;

/**
 * The customers that were asked for last. The index alone cannot tell: quick-lru orders by generations, and a cache
 * that is far from full never begins one. Noting one is an assignment, since every check does it.
 */
export class RecentCustomers {
  readonly #ring = new Array<string | undefined>(REMEMBERED).fill(undefined);
  #count = 0;

  note(customerId: string): void {
    this.#ring[this.#count++ & (REMEMBERED - 1)] = customerId;
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
