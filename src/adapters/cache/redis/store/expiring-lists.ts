/** Lists of which each member goes by itself, unless it is listed again; ends, and rejects, as all RedisCommands do. */
export interface ExpiringLists {
  /**
   * Lists members, and lets go of those whose time is over.
   *
   * @param now of a clock that all who write this list have about the same of, epoch milliseconds
   * @param lastsMs from then on, milliseconds: for the members, and for the list unless more is listed
   */
  list(key: string, members: readonly string[], now: number, lastsMs: number): Promise<void>;
  unlist(key: string, members: readonly string[]): Promise<void>;
  /** All members, also those whose time is over, in batches of about that size; one may come twice. */
  listed(key: string, batchSize: number): AsyncIterable<readonly string[]>;
}
