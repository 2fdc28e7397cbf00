import { errorCodeOf } from "../../domain/errors.js";
import { mayCountInPart, reportFailureOf } from "../../domain/outbox/report-failure.js";
import type { UsageEvent, UsageMeasurement, UsageReport, UsageState } from "../../domain/usage/usage-report.js";
import type { CacheStore } from "../../ports/cache-store.js";
import type { Clock } from "../../ports/clock.js";
import type { Logger } from "../../ports/logger.js";
import type { ReportOptions, UpstreamClient } from "../../ports/upstream-client.js";
import type { CallContext, CallOrigin } from "../answer.js";
import type { LoadState } from "../load/load-state.js";
import { RememberMeasurements } from "./remember-measurements.js";

/** Takes reports of usage, whether they wait for upstream or are accepted before. */
export interface UsageReporting {
  /** @throws CodedError (by rejection) saying truthfully whether the usage may count; never a made-up success */
  report(report: UsageReport, call: CallContext): Promise<UsageMeasurement>;
  /** @throws CodedError as report does, for all of the reports */
  reportBulk(reports: readonly UsageReport[], call: CallContext): Promise<readonly UsageMeasurement[]>;
}

/** The same of events. */
export interface EventReporting {
  /** @returns how far they have come; undefined where they went to upstream without an outbox */
  report(events: readonly UsageEvent[], call: CallContext): Promise<UsageState | undefined>;
}

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

/**
 * Hands raw events to upstream, whose meters make usage of them; that usage comes back on the update stream. An event
 * without a timestamp gets one here: upstream takes it for another event at each try otherwise.
 */
export class ReportEvents {
  readonly #upstream: UpstreamClient;
  readonly #clock: Clock;
  readonly #logger: Logger | undefined;

  constructor(upstream: UpstreamClient, clock: Clock, logger?: Logger) {
    this.#upstream = upstream;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** @throws CodedError upstream's own failure, saying whether the events may count; never a made-up success */
  async report(events: readonly UsageEvent[], call: CallContext): Promise<undefined> {
    const now = this.#clock.now();
    const accepted = events.map((event) => (event.timestamp === undefined ? { ...event, timestamp: now } : event));
    try {
      await this.#upstream.reportEvents(accepted, optionsForReport(call));
    } catch (error) {
      if (this.#logger !== undefined) logFailedReport(this.#logger, error, call.origin);
      throw error;
    }
  }
}

/** Says that reports failed, and whether they count. One line a minute for each kind, by the logger that folds repeats. */
function logFailedReport(logger: Logger, error: unknown, origin: CallOrigin | undefined): void {
  const counts = reportFailureOf(error) === "unknown" || mayCountInPart(error) ? "unknown" : "no";
  logger.warn("a report of usage failed", { ...origin, code: errorCodeOf(error), counts, error });
}

/**
 * A report stops when its caller goes away; a caller without a signal never does. Each gets a signal of its own: listeners
 * that nobody removes would gather on a shared one for ever. It is made when it is asked for: an upstream that counts at once
 * has no use for it, and it takes as long as counting does.
 */
export function optionsForReport(call: CallContext): ReportOptions {
  return {
    get span() {
      return call.span;
    },
    get signal() {
      return call.signal ?? new AbortController().signal;
    },
    get isAborted() {
      return call.isAborted ?? call.signal?.aborted ?? false;
    },
  };
}
