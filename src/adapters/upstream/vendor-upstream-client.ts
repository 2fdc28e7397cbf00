import type { CustomerState } from "../../domain/customer-state.js";
import type { Subject } from "../../domain/subject.js";
import type { UsageEvent, UsageMeasurement, UsageReport } from "../../domain/usage/usage-report.js";
import type { FetchOptions, ReportOptions, UpstreamClient } from "../../ports/upstream-client.js";
import { type TracedReport, tracedSubject } from "./client/traced.js";
import type { StateRequest } from "./fetch-state-operation.js";
import type { Operation } from "./resilience/operation.js";
import type { StartUpCheck } from "./start-up-check.js";

/** The vendor's upstream. */
export interface VendorUpstream extends UpstreamClient {
  /** Resolves once upstream has been reached and has taken the key. */
  readonly reached: Promise<void>;
  /** Begins to find out whether upstream is there and takes the key. Returns at once and never throws. */
  start(): void;
  /** Ends all of it; what is under way fails. */
  close(): void;
}

/** What the vendor's upstream can be asked, each made resilient in its own way. */
export interface VendorOperations {
  readonly fetchState: Operation<StateRequest, CustomerState>;
  readonly reportUsage: Operation<TracedReport<UsageReport>, UsageMeasurement>;
  readonly reportUsageBulk: Operation<TracedReport<readonly UsageReport[]>, readonly UsageMeasurement[]>;
  readonly reportEvents: Operation<TracedReport<readonly UsageEvent[]>, void>;
}

export class VendorUpstreamClient implements VendorUpstream {
  readonly #operations: VendorOperations;
  readonly #startUpCheck: StartUpCheck;
  readonly #release: () => void;

  constructor(operations: VendorOperations, startUpCheck: StartUpCheck, release: () => void) {
    this.#operations = operations;
    this.#startUpCheck = startUpCheck;
    this.#release = release;
  }

  fetchState(
    subject: Subject,
    { latest, preferLatest = false, onMaybeStale, signal, span }: FetchOptions,
  ): Promise<CustomerState> {
    return this.#operations.fetchState(
      { subject: tracedSubject(subject, span), latest, preferLatest, onMaybeStale },
      signal,
    );
  }

  reportUsage(report: UsageReport, { signal, span }: ReportOptions): Promise<UsageMeasurement> {
    return this.#operations.reportUsage({ report, span }, signal);
  }

  reportUsageBulk(
    report: readonly UsageReport[],
    { signal, span }: ReportOptions,
  ): Promise<readonly UsageMeasurement[]> {
    return this.#operations.reportUsageBulk({ report, span }, signal);
  }

  reportEvents(report: readonly UsageEvent[], { signal, span }: ReportOptions): Promise<void> {
    return this.#operations.reportEvents({ report, span }, signal);
  }

  get reached(): Promise<void> {
    return this.#startUpCheck.reached;
  }

  start(): void {
    this.#startUpCheck.start();
  }

  close(): void {
    this.#startUpCheck.stop();
    this.#release();
  }
}
