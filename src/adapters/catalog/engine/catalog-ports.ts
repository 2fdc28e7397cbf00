import type { CustomerState } from "../../../domain/customer-state.js";
import type { EntitlementReference } from "../../../domain/entitlement.js";
import { CodedError } from "../../../domain/errors.js";
import type { Subject } from "../../../domain/subject.js";
import type { UsageEvent, UsageMeasurement, UsageReport } from "../../../domain/usage/usage-report.js";
import type { UpdateListener, UpdateStream } from "../../../ports/change-sources.js";
import type { Directory, EntitlementOrigin } from "../../../ports/checks.js";
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

/** The changes of a catalog in this process, none of which can be missed: it is connected from start to stop. */
export class CatalogUpdateStream implements UpdateStream {
  readonly #engine: CatalogEngine;
  readonly #isCollective: boolean;
  #unsubscribe: (() => void) | undefined;

  /** @param isCollective whether a change of many customers is one: see CatalogEngine.subscribe */
  constructor(engine: CatalogEngine, isCollective = false) {
    this.#engine = engine;
    this.#isCollective = isCollective;
  }

  start(listener: UpdateListener): void {
    this.#unsubscribe?.();
    this.#unsubscribe = this.#engine.subscribe((change) => listener.changed(change), this.#isCollective);
    listener.connected();
  }

  stop(): Promise<void> {
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
    return Promise.resolve();
  }
}

/** Everything that the catalog which is served now knows. */
export class CatalogDirectory implements Directory {
  readonly #engine: CatalogEngine;

  constructor(engine: CatalogEngine) {
    this.#engine = engine;
  }

  customers(): Iterable<string> {
    return this.#engine.model.customers.keys();
  }

  resources(customerId: string): Iterable<string> {
    return this.#engine.model.customers.get(customerId)?.resources.keys() ?? [];
  }

  features(): Iterable<string> {
    return this.#engine.model.features.keys();
  }

  currencies(): Iterable<string> {
    return this.#engine.model.currencies.keys();
  }

  originOf(subject: Subject, reference: EntitlementReference): EntitlementOrigin | undefined {
    return this.#engine.originOf(subject, reference);
  }
}
