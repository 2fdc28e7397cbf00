import type { UsageEvent } from "../../domain/usage/usage-report.js";
import type { Clock } from "../../ports/clock.js";
import type { Logger } from "../../ports/logger.js";
import type { UpstreamClient } from "../../ports/upstream-client.js";
import type { CallContext } from "../answer.js";
import { logFailedReport } from "./log-failed-report.js";
import { optionsForReport } from "./report-signal.js";

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
