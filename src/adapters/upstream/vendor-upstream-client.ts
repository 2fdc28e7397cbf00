import type { CustomerState } from "../../domain/customer-state.js";
import type { Subject } from "../../domain/subject.js";
import type { UsageEvent, UsageMeasurement, UsageReport } from "../../domain/usage/usage-report.js";
import type { FetchOptions, ReportOptions, UpstreamClient } from "../../ports/upstream-client.js";
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
  readonly reportUsage: Operation<UsageReport, UsageMeasurement>;
  readonly reportUsageBulk: Operation<readonly UsageReport[], readonly UsageMeasurement[]>;
  readonly reportEvents: Operation<readonly UsageEvent[], void>;
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
    { latest, preferLatest = false, onMaybeStale, signal }: FetchOptions,
  ): Promise<CustomerState> {
    return this.#operations.fetchState({ subject, latest, preferLatest, onMaybeStale }, signal);
  }

  reportUsage(report: UsageReport, { signal }: ReportOptions): Promise<UsageMeasurement> {
    return this.#operations.reportUsage(report, signal);
  }

  reportUsageBulk(reports: readonly UsageReport[], { signal }: ReportOptions): Promise<readonly UsageMeasurement[]> {
    return this.#operations.reportUsageBulk(reports, signal);
  }

  reportEvents(events: readonly UsageEvent[], { signal }: ReportOptions): Promise<void> {
    return this.#operations.reportEvents(events, signal);
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
