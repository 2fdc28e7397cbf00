import type { UsageUpdated } from "../../domain/change.js";
import type { UsageMeasurement } from "../../domain/usage/usage-report.js";
import { changeWithPossibleTimestamps } from "../../domain/with-default-timestamps.js";
import type { CacheStore } from "../../ports/cache-store.js";
import type { Clock } from "../../ports/clock.js";
import { type Logger, OutageLog } from "../../ports/logger.js";
import type { LoadState } from "../load/load-state.js";

/** Lets the next check know what upstream counts. */
export class RememberMeasurements {
  readonly #cache: CacheStore;
  readonly #load: LoadState;
  readonly #clock: Clock;
  readonly #cacheOutage: OutageLog;

  constructor(cache: CacheStore, load: LoadState, clock: Clock, logger: Logger) {
    this.#cache = cache;
    this.#load = load;
    this.#clock = clock;
    this.#cacheOutage = new OutageLog(logger);
  }

  /** Never rejects: the usage is counted where it matters, and telling the caller otherwise would have it counted twice. */
  async remember(measurements: readonly UsageMeasurement[]): Promise<void> {
    const now = this.#clock.now();
    try {
      for (const measurement of measurements) {
        for (const update of usageUpdatesOf(measurement)) {
          const change = changeWithPossibleTimestamps(update, now);
          this.#load.usageChanged(change);
          await this.#cache.apply(change, now);
        }
      }
      if (this.#cacheOutage.isLost) this.#cacheOutage.recovered("reported usage is written to the cache again");
    } catch (error) {
      this.#cacheOutage.lost("warn", "reported usage could not be written to the cache", { error });
    }
  }

  /** The same, and where upstream does not tell yet what it counts, it is asked: usage that nobody knows of is not forgotten. */
  async rememberOrAsk(measurements: readonly UsageMeasurement[]): Promise<void> {
    await this.remember(measurements);
    const untold = measurements.filter(({ currentUsage }) => currentUsage === undefined);
    await Promise.all(untold.map(({ subject }) => this.#load.refresh(subject, true).catch(() => undefined)));
  }
}

function* usageUpdatesOf(measurement: UsageMeasurement): Iterable<UsageUpdated> {
  const { subject, currentUsage, periodStart, periodEnd, updatedAt, credit } = measurement;
  if (currentUsage !== undefined) {
    yield {
      type: "usage-updated",
      subject,
      entitlement: { type: "feature", id: measurement.featureId },
      usage: { currentUsage, periodStart, periodEnd, updatedAt },
    };
  }
  if (credit !== undefined) {
    yield {
      type: "usage-updated",
      subject,
      entitlement: { type: "credit", id: credit.currencyId },
      usage: { currentUsage: credit.currentUsage, periodEnd: credit.periodEnd, updatedAt: credit.updatedAt },
    };
  }
}
