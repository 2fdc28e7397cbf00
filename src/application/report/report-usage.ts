import type { UsageUpdated } from "../../domain/change.js";
import type { UsageMeasurement, UsageReport } from "../../domain/usage-report.js";
import type { CacheStore } from "../../ports/cache-store.js";
import type { Clock } from "../../ports/clock.js";
import type { Logger } from "../../ports/logger.js";
import { OutageLog } from "../../ports/outage-log.js";
import type { UpstreamClient } from "../../ports/upstream-client.js";
import type { CallContext } from "../answer.js";
import type { LoadState } from "../load/load-state.js";
import { optionsForReport } from "./report-signal.js";

/**
 * Hands counted usage to upstream, and lets the next check know at once what upstream counts now. A report without a
 * timestamp gets one here, so that it is the same report at each try.
 */
export class ReportUsage {
  readonly #upstream: UpstreamClient;
  readonly #cache: CacheStore;
  readonly #load: LoadState;
  readonly #clock: Clock;
  readonly #cacheOutage: OutageLog;

  constructor(upstream: UpstreamClient, cache: CacheStore, load: LoadState, clock: Clock, logger: Logger) {
    this.#upstream = upstream;
    this.#cache = cache;
    this.#load = load;
    this.#clock = clock;
    this.#cacheOutage = new OutageLog(logger);
  }

  /** @throws CodedError upstream's own failure, saying whether the usage may count; never a made-up success */
  async report(report: UsageReport, call: CallContext): Promise<UsageMeasurement> {
    const measurement = await this.#upstream.reportUsage(accepted(report, this.#clock.now()), optionsForReport(call));
    await this.#remember([measurement]);
    return measurement;
  }

  /** @throws CodedError as report does, for all of the reports */
  async reportBulk(reports: readonly UsageReport[], call: CallContext): Promise<readonly UsageMeasurement[]> {
    const now = this.#clock.now();
    const measurements = await this.#upstream.reportUsageBulk(
      reports.map((report) => accepted(report, now)),
      optionsForReport(call),
    );
    await this.#remember(measurements);
    return measurements;
  }

  async #remember(measurements: readonly UsageMeasurement[]): Promise<void> {
    const now = this.#clock.now();
    try {
      for (const measurement of measurements) {
        for (const change of usageUpdatesOf(measurement)) {
          this.#load.usageChanged(change);
          await this.#cache.apply(change, now);
        }
      }
      if (this.#cacheOutage.isLost) this.#cacheOutage.recovered("reported usage is written to the cache again");
    } catch (error) {
      // The usage is counted where it matters; telling the caller otherwise would have it counted twice.
      this.#cacheOutage.lost("warn", "reported usage could not be written to the cache", { error });
    }
  }
}

function accepted(report: UsageReport, now: number): UsageReport {
  return report.timestamp === undefined ? { ...report, timestamp: now } : report;
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
