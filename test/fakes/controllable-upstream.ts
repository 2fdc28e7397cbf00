import type { CustomerState } from "../../src/domain/customer-state.js";
import { CodedError } from "../../src/domain/errors.js";
import type { Subject } from "../../src/domain/subject.js";
import type { UsageEvent, UsageMeasurement, UsageReport } from "../../src/domain/usage/usage-report.js";
import type { FetchOptions, ReportOptions, UpstreamClient } from "../../src/ports/upstream-client.js";
import type { CancelSignal } from "../../src/ports/waits.js";

/** A question to upstream that waits until the test answers it, or its asker gives it up. */
export class PendingCall<Question, Answer> {
  readonly question: Question;
  readonly signal: CancelSignal;
  readonly result: Promise<Answer>;
  readonly #resolve: (answer: Answer) => void;
  readonly #reject: (error: unknown) => void;

  constructor(question: Question, signal: CancelSignal) {
    this.question = question;
    this.signal = signal;
    const { promise, resolve, reject } = withResolvers<Answer>();
    this.result = promise;
    this.#resolve = resolve;
    this.#reject = reject;
    const giveUp = () => reject(new CodedError("cancelled", "given up by its asker"));
    if (signal.aborted) giveUp();
    else signal.addEventListener("abort", giveUp, { once: true });
  }

  answer(answer: Answer): void {
    this.#resolve(answer);
  }

  fail(error: unknown = new CodedError("unavailable", "upstream is down")): void {
    this.#reject(error);
  }
}

function withResolvers<T>() {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((res, rej) => {
    resolve = res;
    reject = rej;
  });
  return { promise, resolve, reject };
}

/** The calls of one method, in the order in which they came. */
export class Calls<Question, Answer> {
  readonly all: PendingCall<Question, Answer>[] = [];
  readonly #waiting: { readonly index: number; readonly resolve: (call: PendingCall<Question, Answer>) => void }[] = [];

  begin(question: Question, signal: CancelSignal): Promise<Answer> {
    const call = new PendingCall<Question, Answer>(question, signal);
    const index = this.all.push(call) - 1;
    for (const waiting of this.#waiting) if (waiting.index === index) waiting.resolve(call);
    return call.result;
  }

  get count(): number {
    return this.all.length;
  }

  /** The call at `index` (0: the first), once it has come. */
  at(index: number): Promise<PendingCall<Question, Answer>> {
    const call = this.all[index];
    if (call !== undefined) return Promise.resolve(call);
    return new Promise((resolve) => {
      this.#waiting.push({ index, resolve });
    });
  }
}

export interface FetchQuestion {
  readonly subject: Subject;
  readonly latest: boolean;
  readonly preferLatest?: boolean | undefined;
}

/** An upstream that answers when the test says so, what the test says. */
export class ControllableUpstream implements UpstreamClient {
  readonly fetches = new Calls<FetchQuestion, CustomerState | undefined>();
  /** Of each fetch: tells its asker that the answer may be behind. */
  readonly tellMaybeStale: (() => void)[] = [];
  readonly reports = new Calls<UsageReport, UsageMeasurement>();
  readonly bulkReports = new Calls<readonly UsageReport[], readonly UsageMeasurement[]>();
  readonly eventReports = new Calls<readonly UsageEvent[], undefined>();

  fetchState(
    subject: Subject,
    { signal, latest, preferLatest, onMaybeStale }: FetchOptions,
  ): Promise<CustomerState | undefined> {
    this.tellMaybeStale.push(() => onMaybeStale?.());
    return this.fetches.begin({ subject, latest, preferLatest }, signal);
  }

  reportUsage(report: UsageReport, { signal }: ReportOptions): Promise<UsageMeasurement> {
    return this.reports.begin(report, signal);
  }

  reportUsageBulk(reports: readonly UsageReport[], { signal }: ReportOptions): Promise<readonly UsageMeasurement[]> {
    return this.bulkReports.begin(reports, signal);
  }

  async reportEvents(events: readonly UsageEvent[], { signal }: ReportOptions): Promise<void> {
    await this.eventReports.begin(events, signal);
  }
}
