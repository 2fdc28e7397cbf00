import type { CustomerState } from "../domain/customer-state.js";
import type { Subject } from "../domain/subject.js";
import type { UsageEvent, UsageMeasurement, UsageReport } from "../domain/usage/usage-report.js";
import type { CancelSignal } from "./cancel-signal.js";
import type { Span } from "./tracer.js";

/**
 * The source of truth for entitlements and the place where usage is counted.
 *
 * Every method rejects with a CodedError alone: `unavailable` where upstream cannot be reached or fails for
 * now, `unauthenticated` where it refuses the API key, `cancelled` once the signal aborts, and for reports
 * `invalid-argument`, `not-found` or `failed-precondition` with upstream's own message. Of a report, these and
 * `resource-exhausted` mean that it does not count; any other error says in its message whether it may.
 */
export interface UpstreamClient {
  /**
   * The present state of a subject. A customer that upstream does not know is a state with a reason, not a
   * failure. Takes about 100 ms over a network; the caller bounds it by the signal.
   * Undefined: there is no upstream to ask, by configuration.
   */
  fetchState(subject: Subject, options: FetchOptions): Promise<CustomerState | undefined>;

  /** Counts usage, once per idempotency key however often it is asked to. */
  reportUsage(report: UsageReport, options: ReportOptions): Promise<UsageMeasurement>;

  /** Counts all or, where one cannot be counted, none. One measurement for each report, in order. */
  reportUsageBulk(reports: readonly UsageReport[], options: ReportOptions): Promise<readonly UsageMeasurement[]>;

  /** Hands events to upstream's meters, each once per idempotency key. Their usage comes back as changes. */
  reportEvents(events: readonly UsageEvent[], options: ReportOptions): Promise<void>;
}

export interface FetchOptions {
  readonly signal: CancelSignal;
  /** Asks for what is true now, past any cache that upstream keeps. */
  readonly latest: boolean;
  /**
   * What is known of the subject is stale, and a cache of upstream's may not be any newer: prefers what is
   * true now, and takes a cache's answer only over none.
   */
  readonly preferLatest?: boolean;
  /** Called before the answer where that was in vain: it is a cache's, and may be from before what made it stale. */
  readonly onMaybeStale?: () => void;
  /** Of which what is asked is a part; upstream is sent its trace context. */
  readonly span?: Span | undefined;
}

export interface ReportOptions {
  readonly signal: CancelSignal;
  /** What the signal says, for who asks once: a signal that nobody asks for need not be made. */
  readonly isAborted?: boolean | undefined;
  /** See FetchOptions. */
  readonly span?: Span | undefined;
}
