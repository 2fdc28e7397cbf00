import { CodedError } from "../../src/domain/errors.js";
import { WordlessRefusalError } from "../../src/domain/outbox/report-failure.js";
import type { UsageEvent, UsageMeasurement, UsageReport } from "../../src/domain/usage/usage-report.js";
import type { ReportOptions, UpstreamClient } from "../../src/ports/upstream-client.js";

/** How an upstream takes requests. */
export type UpstreamMood =
  | "fine"
  | "unreachable"
  | "throttled"
  | "loses-requests"
  | "loses-answers"
  | "broken"
  | "refuses-the-key"
  | "takes-parts-of-bulks";

class Throttled extends CodedError {
  override get retryAfterMs(): number {
    return 7_000;
  }
}

/** An upstream that counts as the vendor does: once under a key for a day, a bulk as a whole or, in one mood, in part. */
export class MeteredUpstream implements UpstreamClient {
  mood: UpstreamMood = "fine";
  /** Who is refused. */
  readonly archived = new Set<string>();
  /** Whose requests a proxy on the way refuses, whoever else is in them. */
  readonly blocked = new Set<string>();
  /** What was counted, by customer and feature, in order. */
  readonly counted = new Map<string, UsageReport[]>();
  readonly events: UsageEvent[] = [];
  readonly calls: { readonly at: number; readonly kind: "single" | "bulk" | "events"; readonly size: number }[] = [];
  readonly #now: () => number;
  readonly #random: () => number;
  readonly #keys = new Map<string, number>();
  readonly #deduplicationMs: number;

  /** @param now by a clock that nobody sets, milliseconds */
  constructor(now: () => number, random: () => number = () => 0, deduplicationMs = 24 * 3_600_000) {
    this.#now = now;
    this.#random = random;
    this.#deduplicationMs = deduplicationMs;
  }

  now(): number {
    return this.#now();
  }

  fetchState(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  async reportUsage(report: UsageReport, options: ReportOptions): Promise<UsageMeasurement> {
    const [measurement] = await this.#ask("single", [report], options, (reports) => this.#countAll(reports));
    return measurement as UsageMeasurement;
  }

  reportUsageBulk(reports: readonly UsageReport[], options: ReportOptions): Promise<readonly UsageMeasurement[]> {
    return this.#ask("bulk", reports, options, (taken) => {
      const measurements = this.#countAll(taken);
      // What it does not take it does not confirm.
      return reports.map((report) => {
        const measurement = measurements[taken.indexOf(report)];
        return measurement ?? { ...this.#measurementOf(report, undefined), isConfirmed: false };
      });
    });
  }

  async reportEvents(events: readonly UsageEvent[], options: ReportOptions): Promise<void> {
    await this.#ask("events", events, options, (taken) => {
      for (const { subject } of taken) this.#mustNotBeArchived(subject.customerId);
      for (const event of taken) {
        if (this.#isNew(JSON.stringify([event.timestamp, event.subject, event.eventName, event.idempotencyKey])))
          this.events.push(event);
      }
    });
  }

  async #ask<R extends UsageReport | UsageEvent, T>(
    kind: "single" | "bulk" | "events",
    items: readonly R[],
    { signal }: ReportOptions,
    countThese: (items: readonly R[]) => T,
  ): Promise<T> {
    const count = () => countThese(items);
    await Promise.resolve();
    this.calls.push({ at: this.#now(), kind, size: items.length });
    if (signal.aborted) throw new CodedError("cancelled", "the process ends", { mayCount: true });
    if (items.some(({ subject }) => this.blocked.has(subject.customerId)))
      throw new WordlessRefusalError("answered HTTP 400");
    switch (this.mood) {
      case "fine":
        return count();
      case "unreachable":
        throw new CodedError("unavailable", "cannot be reached", { mayCount: false });
      case "throttled":
        throw new Throttled("resource-exhausted", "too many requests");
      case "refuses-the-key":
        throw new CodedError("unauthenticated", "the key is not valid");
      case "loses-requests":
        throw new CodedError("unavailable", "the connection broke", { mayCount: true });
      case "loses-answers":
        count();
        throw new CodedError("deadline-exceeded", "no answer came", { mayCount: true });
      case "broken":
        if (this.#random() < 0.5) count();
        throw new CodedError("internal", "an answer without sense");
      case "takes-parts-of-bulks": {
        if (items.length === 1) return count();
        const taken = items.filter(({ subject }) => !this.archived.has(subject.customerId) && this.#random() < 0.5);
        const answer = countThese(taken);
        if (taken.length < items.length && (kind === "events" || this.#random() < 0.5))
          throw new CodedError("failed-precondition", "a part was refused", { mayCount: true });
        return answer;
      }
    }
  }

  #countAll(reports: readonly UsageReport[]): UsageMeasurement[] {
    for (const { subject } of reports) this.#mustNotBeArchived(subject.customerId);
    return reports.map((report) => {
      const name = `${report.subject.customerId}/${report.featureId}`;
      const counted = this.counted.get(name) ?? [];
      this.counted.set(name, counted);
      if (this.#isNew(`${name} ${report.idempotencyKey}`)) counted.push(report);
      const currentUsage = counted.reduce(
        (sum, { updateBehavior, value }) => (updateBehavior === "SET" ? value : sum + value),
        0,
      );
      return this.#measurementOf(report, currentUsage);
    });
  }

  #measurementOf({ subject, featureId }: UsageReport, currentUsage: number | undefined): UsageMeasurement {
    return {
      measurementId: "",
      subject,
      featureId,
      currentUsage,
      periodStart: undefined,
      periodEnd: undefined,
      updatedAt: this.#now(),
      credit: undefined,
    };
  }

  #isNew(key: string): boolean {
    const before = this.#keys.get(key);
    const now = this.#now();
    if (before !== undefined && now - before < this.#deduplicationMs) return false;
    this.#keys.set(key, now);
    return true;
  }

  #mustNotBeArchived(customerId: string): void {
    if (this.archived.has(customerId))
      throw new CodedError("failed-precondition", `customer ${customerId} is archived`);
  }
}
