import type { Change, SubjectChange } from "../domain/change.js";
import type { CacheStore } from "../ports/cache-store.js";
import type { Clock } from "../ports/clock.js";
import type { Logger } from "../ports/logger.js";
import type { UpdateListener } from "../ports/update-stream.js";
import type { LoadState } from "./load-state.js";
import type { RefreshInBackground } from "./refresh-in-background.js";
import type { StreamStatus } from "./stream-status.js";

/** Keeps the cache in step with the update stream. */
export class FollowUpdates implements UpdateListener {
  readonly #cache: CacheStore;
  readonly #load: LoadState;
  readonly #refresh: RefreshInBackground;
  readonly #stream: StreamStatus;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #maxRefreshed: number;

  /** @param maxRefreshed how many of the most recently used states are refetched once all are in doubt */
  constructor(
    cache: CacheStore,
    load: LoadState,
    refresh: RefreshInBackground,
    stream: StreamStatus,
    clock: Clock,
    logger: Logger,
    maxRefreshed: number,
  ) {
    this.#cache = cache;
    this.#load = load;
    this.#refresh = refresh;
    this.#stream = stream;
    this.#clock = clock;
    this.#logger = logger;
    this.#maxRefreshed = maxRefreshed;
  }

  connected(): void {
    this.#stream.connected();
    this.#doubtEverything();
  }

  disconnected(): void {
    this.#stream.disconnected();
  }

  changed(change: Change): void {
    if (change.type !== "package-published") this.#apply(change);
    else if (change.migration === "ALL_CUSTOMERS") this.#doubtEverything();
  }

  #apply(change: SubjectChange): void {
    if (change.type === "usage-updated") this.#load.usageChanged(change);
    else this.#load.overtake(change.subject);
    this.#cache.apply(change, this.#clock.now()).catch((error: unknown) => {
      this.#logger.warn("an update could not be written to the cache", { type: change.type, error });
    });
  }

  #doubtEverything(): void {
    this.#load.overtakeAll();
    this.#cache.markAllUnverified().then(
      () => {
        for (const subject of this.#cache.recentlyUsed(this.#maxRefreshed)) this.#refresh.enqueue(subject);
      },
      (error: unknown) => this.#logger.warn("cached states could not be marked as unverified", { error }),
    );
  }
}
