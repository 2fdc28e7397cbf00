import type { UsageMeasurement, UsageReport } from "../../domain/usage/usage-report.js";
import type { CacheStore } from "../../ports/cache-store.js";
import type { Clock } from "../../ports/clock.js";
import type { Logger } from "../../ports/logger.js";
import type { UpstreamClient } from "../../ports/upstream-client.js";
import type { CallContext } from "../answer.js";
import type { LoadState } from "../load/load-state.js";
import { logFailedReport } from "./log-failed-report.js";
import { RememberMeasurements } from "./remember-measurements.js";
import { optionsForReport } from "./report-signal.js";

/**
 * Hands counted usage to upstream, and lets the next check know at once what upstream counts now. A report without a
 * timestamp gets one here, so that it is the same report at each try.
 */
export class ReportUsage {
  readonly #upstream: UpstreamClient;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #measurements: RememberMeasurements;

  constructor(upstream: UpstreamClient, cache: CacheStore, load: LoadState, clock: Clock, logger: Logger) {
    this.#upstream = upstream;
    this.#clock = clock;
    this.#logger = logger;
    this.#measurements = new RememberMeasurements(cache, load, clock, logger);
  }

  /** @throws CodedError upstream's own failure, saying whether the usage may count; never a made-up success */
  async report(report: UsageReport, call: CallContext): Promise<UsageMeasurement> {
    try {
      const measurement = await this.#upstream.reportUsage(accepted(report, this.#clock.now()), optionsForReport(call));
      await this.#measurements.remember([measurement]);
      return measurement;
    } catch (error) {
      logFailedReport(this.#logger, error, call.origin);
      throw error;
    }
  }

  /** @throws CodedError as report does, for all of the reports */
  async reportBulk(reports: readonly UsageReport[], call: CallContext): Promise<readonly UsageMeasurement[]> {
    const now = this.#clock.now();
    try {
      const measurements = await this.#upstream.reportUsageBulk(
        reports.map((report) => accepted(report, now)),
        optionsForReport(call),
      );
      await this.#measurements.remember(measurements);
      return measurements;
    } catch (error) {
      logFailedReport(this.#logger, error, call.origin);
      throw error;
    }
  }
}

function accepted(report: UsageReport, now: number): UsageReport {
  return report.timestamp === undefined ? { ...report, timestamp: now } : report;
}
