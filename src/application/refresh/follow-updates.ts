import { type Change, saysAskAgain, type SubjectChange } from "../../domain/change.js";
import { saysEntityIsMissing } from "../../domain/decision/access-denied-reason.js";
import type { StreamStatus } from "../../domain/freshness/freshness.js";
import type { Subject } from "../../domain/subject.js";
import { changeWithPossibleTimestamps } from "../../domain/with-default-timestamps.js";
import type { CacheStore } from "../../ports/cache-store.js";
import type { UpdateListener } from "../../ports/change-sources.js";
import type { Clock } from "../../ports/clock.js";
import { type Logger, OutageLog } from "../../ports/logger.js";
import type { SharedHearing } from "../../ports/shared-cache.js";
import type { Span } from "../../ports/tracer.js";
import type { LoadState } from "../load/load-state.js";
import type { RefreshInBackground } from "./refresh-in-background.js";

/** Keeps the cache in step with the update stream. */
export class FollowUpdates implements UpdateListener {
  readonly #cache: CacheStore;
  readonly #load: LoadState;
  readonly #refresh: RefreshInBackground;
  readonly #stream: StreamStatus;
  readonly #clock: Clock;
  readonly #writes: OutageLog;
  readonly #marks: OutageLog;
  readonly #maxRefreshed: number;
  readonly #hearing: SharedHearing | undefined;

  /**
   * @param maxRefreshed how many of the most recently used states are refetched once all are stale
   * @param hearing where others rely on what this process hears
   */
  constructor(
    cache: CacheStore,
    load: LoadState,
    refresh: RefreshInBackground,
    stream: StreamStatus,
    clock: Clock,
    logger: Logger,
    maxRefreshed: number,
    hearing?: SharedHearing,
  ) {
    this.#cache = cache;
    this.#load = load;
    this.#refresh = refresh;
    this.#stream = stream;
    this.#clock = clock;
    this.#writes = new OutageLog(logger);
    this.#marks = new OutageLog(logger);
    this.#maxRefreshed = maxRefreshed;
    this.#hearing = hearing;
  }

  connected(): void {
    this.#hearing?.connected();
    this.#stream.connected();
    this.#markEverythingStale();
  }

  disconnected(): void {
    this.#stream.disconnected(this.#clock.now());
    this.#hearing?.disconnected();
  }

  changed(received: Change): void {
    const change = changeWithPossibleTimestamps(received, this.#clock.now());
    if (change.type !== "package-published") this.#apply(change);
    else if (change.migration === "ALL_CUSTOMERS") {
      this.#load.changedUnseen("all");
      this.#hearing?.allMayHaveChanged();
      this.#markEverythingStale();
    }
  }

  #apply(change: SubjectChange): void {
    if (change.type === "usage-updated") this.#load.usageChanged(change);
    else this.#load.supersede(change.subject);
    const asksAgain = saysAskAgain(change);
    const isAskedAgain = asksAgain && this.#isCached(change.subject);
    if (asksAgain && !isAskedAgain) this.#load.changedUnseen(change.subject);
    this.#cache.apply(change, this.#clock.now()).then(
      () => {
        // At once, and not by the next check: that would no longer know that upstream's caches may be behind.
        if (isAskedAgain) this.#refresh.enqueue(change.subject, true);
        if (this.#writes.isLost) this.#writes.recovered("updates are written to the cache again");
      },
      (error: unknown) =>
        this.#writes.lost("warn", "an update could not be written to the cache", { type: change.type, error }),
    );
  }

  #isCached({ customerId, resourceId }: Subject): boolean {
    return this.#cache.peek(customerId, resourceId) !== undefined;
  }

  #markEverythingStale(): void {
    this.#load.supersedeAll();
    this.#cache.markAllUnverified().then(
      () => {
        for (const subject of this.#cache.recentlyUsed(this.#maxRefreshed)) this.#refresh.enqueue(subject, true);
        if (this.#marks.isLost) this.#marks.recovered("cached states are marked as stale again");
      },
      (error: unknown) => this.#marks.lost("warn", "cached states could not be marked as stale", { error }),
    );
  }
}

/** Replaces what is cached of a subject by what upstream says now, for a caller who has just changed something there. */
export class ReloadEntitlements {
  readonly #load: LoadState;

  constructor(load: LoadState) {
    this.#load = load;
  }

  /**
   * @returns whether upstream knows the customer, and the resource where one is named
   * @throws CodedError upstream's failure: a caller who needs to read its own write must not be told otherwise
   */
  async reload(subject: Subject, span?: Span): Promise<{ readonly entitledEntityExists: boolean }> {
    const reloaded = await this.#load.reload(subject, span);
    return {
      entitledEntityExists: reloaded !== undefined && !saysEntityIsMissing(reloaded.state.accessDeniedReason),
    };
  }
}
