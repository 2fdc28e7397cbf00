import type { CustomerState } from "../../../domain/customer-state.js";
import { CodedError } from "../../../domain/errors.js";
import type { Subject } from "../../../domain/subject.js";
import type { UsageEvent, UsageMeasurement, UsageReport } from "../../../domain/usage-report.js";
import type { FetchOptions, ReportOptions, UpstreamClient } from "../../../ports/upstream-client.js";
import type { CatalogEngine } from "./catalog-engine.js";

/** A catalog as the source of truth. */
export class CatalogUpstreamClient implements UpstreamClient {
  readonly #engine: CatalogEngine;

  constructor(engine: CatalogEngine) {
    this.#engine = engine;
  }

  // Asynchronous by the port alone: what is thrown has to be a rejection.
  async fetchState(subject: Subject, { signal }: FetchOptions): Promise<CustomerState> {
    refuseIfAborted(signal);
    return Promise.resolve(this.#engine.stateOf(subject));
  }

  async reportUsage(report: UsageReport, options: ReportOptions): Promise<UsageMeasurement> {
    const [measurement] = await this.reportUsageBulk([report], options);
    if (measurement === undefined) throw new CodedError("internal", "the catalog measured nothing for a report");
    return measurement;
  }

  async reportUsageBulk(
    reports: readonly UsageReport[],
    { signal }: ReportOptions,
  ): Promise<readonly UsageMeasurement[]> {
    refuseIfAborted(signal);
    return this.#engine.reportUsage(reports);
  }

  async reportEvents(events: readonly UsageEvent[], { signal }: ReportOptions): Promise<void> {
    refuseIfAborted(signal);
    return this.#engine.reportEvents(events);
  }
}

/** Once counting has begun it goes on: half a report is worse than one whose caller went away. */
function refuseIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw new CodedError("cancelled", "the caller went away before the catalog was asked");
}
