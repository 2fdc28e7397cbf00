import type { CustomerState } from "../domain/customer-state.js";
import type { Subject } from "../domain/subject.js";
import type { UsageEvent, UsageMeasurement, UsageReport } from "../domain/usage/usage-report.js";
import type { UpstreamTarget } from "./telemetry.js";
import type { Span } from "./tracer.js";
import type { CancelSignal } from "./waits.js";

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

/** What requests by HTTP can be made to suffer: by an emulator that answers them, or in a drill by the client that sends them. */
export type HttpFault =
  /** The answer is worked out at once and sent `ms` later: what it tells may be old by then. */
  | { readonly kind: "delay"; readonly ms: number }
  /** The answer is worked out at once and kept back until the fault is switched off. */
  | { readonly kind: "hold" }
  /** The request is read and never answered. */
  | { readonly kind: "hang" }
  | { readonly kind: "status"; readonly status: number; readonly body?: string }
  /** The connection is reset, before the request has an effect or after it had one. */
  | { readonly kind: "reset"; readonly when: "before-effect" | "after-effect" }
  /** HTTP 200 with this in place of JSON; left out: the first half of the true answer. */
  | { readonly kind: "malformed"; readonly body?: string }
  /** The connection ends in the middle of the answer that the headers announced. */
  | { readonly kind: "truncated" }
  /** HTTP 200 with errors in place of data. */
  | { readonly kind: "errors"; readonly code: string; readonly message: string };

/** A fault that strikes a request. */
export interface StruckRequest {
  readonly fault: HttpFault;
  /** Resolves once the fault is switched off. */
  readonly off: Promise<void>;
}

/**
 * Which fault strikes a request, if any; asked once for each.
 *
 * @param operation a GraphQL operation, or the file that is asked of Edge
 */
export type StrikeRequest = (target: UpstreamTarget, operation: string) => StruckRequest | undefined;
