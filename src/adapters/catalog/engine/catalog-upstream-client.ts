import type { CustomerState } from "../../../domain/customer-state.js";
import { CodedError } from "../../../domain/errors.js";
import type { Subject } from "../../../domain/subject.js";
import type { UsageEvent, UsageMeasurement, UsageReport } from "../../../domain/usage/usage-report.js";
import type { FetchOptions, ReportOptions, UpstreamClient } from "../../../ports/upstream-client.js";
import type { CatalogEngine } from "./catalog-engine.js";

/** A catalog as the source of truth. */
export class CatalogUpstreamClient implements UpstreamClient {
  readonly #engine: CatalogEngine;

  constructor(engine: CatalogEngine) {
    this.#engine = engine;
  }

  // Asynchronous by the port alone: what is thrown has to be a rejection.
  async fetchState(subject: Subject, options: FetchOptions): Promise<CustomerState> {
    refuseIfAborted(options);
    return Promise.resolve(this.#engine.stateOf(subject));
  }

  async reportUsage(report: UsageReport, options: ReportOptions): Promise<UsageMeasurement> {
    refuseIfAborted(options);
    const [measurement] = await this.#engine.reportUsage([report]);
    if (measurement === undefined) throw new CodedError("internal", "the catalog measured nothing for a report");
    return measurement;
  }

  async reportUsageBulk(reports: readonly UsageReport[], options: ReportOptions): Promise<readonly UsageMeasurement[]> {
    refuseIfAborted(options);
    return this.#engine.reportUsage(reports);
  }

  async reportEvents(events: readonly UsageEvent[], options: ReportOptions): Promise<void> {
    refuseIfAborted(options);
    return this.#engine.reportEvents(events);
  }
}

/** Once counting has begun it goes on: half a report is worse than one whose caller went away. */
function refuseIfAborted(options: ReportOptions): void {
  if (options.isAborted ?? options.signal.aborted)
    throw new CodedError("cancelled", "the caller went away before the catalog was asked");
}
