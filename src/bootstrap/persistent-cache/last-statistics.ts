import type { Logger } from "../../ports/logger.js";
import type { SharedCacheStatistics } from "../../ports/shared-cache.js";

/** What Redis tells of itself; while it does not answer, what it told last: everything else is needed most just then. */
export class LastStatistics {
  readonly #read: () => Promise<SharedCacheStatistics>;
  readonly #logger: Logger;
  #last: SharedCacheStatistics = { hits: 0, misses: 0, memoryBytes: 0 };

  constructor(read: () => Promise<SharedCacheStatistics>, logger: Logger) {
    this.#read = read;
    this.#logger = logger;
  }

  /** Never rejects. */
  async read(): Promise<SharedCacheStatistics> {
    try {
      this.#last = await this.#read();
    } catch (error) {
      this.#logger.debug("Redis did not tell its statistics", { error });
    }
    return this.#last;
  }
}
