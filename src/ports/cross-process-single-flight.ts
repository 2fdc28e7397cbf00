import type { Subject } from "../domain/subject.js";

/**
 * Processes that share a store take turns to ask upstream for a subject: one asks, and the others find what it
 * stored. Nobody waits for long: a process that asks and never ends its turn, or whose signal gets lost, costs the
 * others no more than a share of a check's budget, and then they ask as well.
 */
export interface CrossProcessSingleFlight {
  /**
   * Waits until this process may ask. Never rejects: where the others cannot be reached, it may ask at once.
   *
   * @param isThere looks whether what is wanted is in the store by now; called once nobody else is asking, and
   * whenever another process may have brought it
   * @returns undefined once it is there, and there is nothing to ask any more
   */
  acquireLease(subject: Subject, isThere: () => Promise<boolean>): Promise<Lease | undefined>;
}

/** The right to ask upstream, for all who wait. */
export interface Lease {
  /**
   * Gives the turn back, whatever came of it. Returns at once and never throws.
   *
   * @param isStored whether the state is in the store now, for everybody to read
   */
  end(isStored: boolean): void;
}
