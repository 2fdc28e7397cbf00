import { MAX_AMOUNT } from "../../domain/usage/decimal.js";
import { CodedError } from "../../domain/errors.js";
import type { AcceptedEvent, AcceptedReport, AcceptedUsage, KeyDigest } from "../../domain/outbox/outbox-record.js";
import { overlaidUsage } from "../../domain/outbox/overlaid-state.js";
import { usageGroup } from "../../domain/outbox/usage-group.js";
import { usageAt } from "../../domain/usage/usage.js";
import type { UsageEvent, UsageMeasurement, UsageReport, UsageState } from "../../domain/usage/usage-report.js";
import type { CacheStore } from "../../ports/cache-store.js";
import type { Clock } from "../../ports/clock.js";
import type { Outbox } from "../../ports/outbox.js";

/**
 * Accepts reports once they are in the outbox, and answers with what is used with them, as far as that is known here.
 * A report under a key that was accepted before is that report.
 */
export class AcceptReports {
  readonly #outbox: Outbox;
  readonly #cache: CacheStore;
  readonly #clock: Clock;
  readonly #onAccepted: () => void;

  /** @param onAccepted called once there is more to deliver */
  constructor(outbox: Outbox, cache: CacheStore, clock: Clock, onAccepted: () => void) {
    this.#outbox = outbox;
    this.#cache = cache;
    this.#clock = clock;
    this.#onAccepted = onAccepted;
  }

  /**
   * @throws CodedError (by rejection) `resource-exhausted` where there is no room and `unavailable` where it cannot be
   * written: it does not count unless the message says so; `failed-precondition` where its key is that of another report;
   * `invalid-argument` for what cannot be counted exactly
   */
  async report(report: UsageReport): Promise<UsageMeasurement> {
    const [measurement] = await this.reportBulk([report]);
    if (measurement === undefined) throw new CodedError("internal", "a report was accepted without an answer");
    return measurement;
  }

  /** @throws CodedError as `report` does: all are accepted or none */
  async reportBulk(reports: readonly UsageReport[]): Promise<readonly UsageMeasurement[]> {
    for (let isNew = true; ; isNew = false) {
      const now = this.#clock.now();
      const fresh = this.#unknown(reports, this.#outbox.digestOfUsage, (report) => report.idempotencyKey);
      if (fresh.length > 0) await this.#acceptUsage(fresh, now);
      else if (isNew) {
        // It may be a report that is being written just now, and that can fail.
        await this.#written();
        continue;
      }
      const answeredAt = this.#clock.now();
      return reports.map((report) => this.#measurementOf(report, answeredAt));
    }
  }

  /** @throws CodedError as `report` does: all are accepted or none */
  async reportEvents(events: readonly UsageEvent[]): Promise<UsageState> {
    for (let isNew = true; ; isNew = false) {
      const now = this.#clock.now();
      const fresh = this.#unknown(events, this.#outbox.digestOfEvent, (event) => event.idempotencyKey);
      if (fresh.length > 0) await this.#acceptEvents(fresh, now);
      else if (isNew) {
        await this.#written();
        continue;
      }
      return "accepted";
    }
  }

  /** @throws CodedError `failed-precondition` */
  #unknown<R>(
    reports: readonly R[],
    digestOf: (report: R) => KeyDigest | undefined,
    keyOf: (report: R) => string,
  ): { readonly report: R; readonly digest: KeyDigest | undefined }[] {
    const fresh: { readonly report: R; readonly digest: KeyDigest | undefined }[] = [];
    const seen = new Set<string>();
    for (const report of reports) {
      const digest = digestOf(report);
      const known = digest === undefined ? "unknown" : this.#outbox.find(digest);
      if (known === "other") {
        throw new CodedError(
          "failed-precondition",
          `usage was reported before under the idempotency key ${JSON.stringify(keyOf(report))} and said something else; that one counts and this one does not: send it under a key of its own`,
        );
      }
      if (known === "same") continue;
      // The same event twice in one request.
      const text = digest?.join(" ");
      if (text !== undefined && seen.has(text)) continue;
      if (text !== undefined) seen.add(text);
      fresh.push({ report, digest });
    }
    return fresh;
  }

  #acceptUsage(
    fresh: readonly { readonly report: UsageReport; readonly digest: KeyDigest | undefined }[],
    now: number,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      for (const { report } of fresh) {
        if (Math.abs(report.value) > MAX_AMOUNT)
          throw new CodedError(
            "invalid-argument",
            `value was ${report.value}: amounts beyond 2^53 cannot be counted exactly; report less at once`,
          );
      }
      const { state } = this.#outbox;
      const items: AcceptedUsage[] = fresh.map(({ report, digest }) => {
        const accepted: AcceptedReport = { ...report, timestamp: report.timestamp ?? now };
        const { customerId, resourceId } = report.subject;
        const group = usageGroup(this.#cache.peek(customerId, resourceId)?.state, report.featureId, accepted.timestamp);
        return state.reserve(accepted, group, now, digest);
      });
      const cancel = () => {
        for (const item of items) state.cancel(item);
      };
      try {
        this.#outbox.accept({ type: "usage-accepted", at: now, items }, (error) => {
          if (error !== undefined) {
            cancel();
            reject(error);
            return;
          }
          this.#onAccepted();
          resolve();
        });
      } catch (error) {
        cancel();
        throw error;
      }
    });
  }

  #acceptEvents(
    fresh: readonly { readonly report: UsageEvent; readonly digest: KeyDigest | undefined }[],
    now: number,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      const events: AcceptedEvent[] = fresh.map(({ report }) => ({ ...report, timestamp: report.timestamp ?? now }));
      const record = {
        type: "events-accepted",
        at: now,
        firstId: this.#outbox.state.takeId(events.length),
        events,
        digests: fresh.map(({ digest }) => digest),
      } as const;
      this.#outbox.accept(record, (error) => {
        if (error !== undefined) {
          reject(error);
          return;
        }
        this.#onAccepted();
        resolve();
      });
    });
  }

  #written(): Promise<void> {
    return new Promise((resolve) => this.#outbox.afterWrites(() => resolve()));
  }

  #measurementOf({ subject, featureId, idempotencyKey }: UsageReport, now: number): UsageMeasurement {
    const known = this.#cache.peek(subject.customerId, subject.resourceId)?.state;
    const series = this.#outbox.state.seriesOf(subject)?.get(featureId);
    const entitlement = known?.feature(featureId);
    const reported =
      known === undefined || entitlement === undefined
        ? undefined
        : usageAt(known.featureUsage(featureId), entitlement.resetPeriod, now);
    const usage = reported === undefined || series === undefined ? reported : overlaidUsage(reported, series, now);
    return {
      measurementId: idempotencyKey,
      subject,
      featureId,
      currentUsage: usage?.currentUsage,
      periodStart: usage?.periodStart,
      periodEnd: usage?.periodEnd,
      updatedAt: undefined,
      credit: undefined,
      state: series === undefined ? "delivered" : "accepted",
    };
  }
}
