import { CodedError } from "../../domain/errors.js";
import type { AcceptedEvent, AcceptedReport, AcceptedUsage, KeyDigest } from "../../domain/outbox/outbox-record.js";
import { overlaidUsage } from "../../domain/outbox/overlaid-state.js";
import { usageGroup } from "../../domain/outbox/usage-group.js";
import { MAX_AMOUNT } from "../../domain/usage/decimal.js";
import { usageAt } from "../../domain/usage/usage.js";
import type { UsageEvent, UsageMeasurement, UsageReport, UsageState } from "../../domain/usage/usage-report.js";
import type { CacheStore } from "../../ports/cache-store.js";
import type { Clock } from "../../ports/clock.js";
import type { Outbox } from "../../ports/outbox.js";

interface Keyed {
  readonly idempotencyKey: string;
}

interface Fresh<R> {
  readonly report: R;
  readonly digest: KeyDigest | undefined;
}

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
    await this.#acceptNew(reports, this.#outbox.digestOfUsage, (fresh, now) => this.#acceptUsage(fresh, now));
    const now = this.#clock.now();
    return reports.map((report) => this.#measurementOf(report, now));
  }

  /** @throws CodedError as `report` does: all are accepted or none */
  async reportEvents(events: readonly UsageEvent[]): Promise<UsageState> {
    await this.#acceptNew(events, this.#outbox.digestOfEvent, (fresh, now) => this.#acceptEvents(fresh, now));
    return "accepted";
  }

  /** Nothing is awaited between looking for a key and accepting it. */
  async #acceptNew<R extends Keyed>(
    reports: readonly R[],
    digestOf: (report: R) => KeyDigest | undefined,
    accept: (fresh: readonly Fresh<R>[], now: number) => Promise<void>,
  ): Promise<void> {
    let fresh = this.#unknown(reports, digestOf);
    if (fresh.length < reports.length) {
      // The others may be being written just now, and that can fail.
      await this.#written();
      fresh = this.#unknown(reports, digestOf);
    }
    if (fresh.length > 0) await accept(fresh, this.#clock.now());
  }

  /** Those that were not accepted before. @throws CodedError `failed-precondition` */
  #unknown<R extends Keyed>(
    reports: readonly R[],
    digestOf: (report: R) => KeyDigest | undefined,
  ): readonly Fresh<R>[] {
    const fresh: Fresh<R>[] = [];
    /** What was said under each key of this request. */
    const contents = new Map<string, number>();
    for (const report of reports) {
      const digest = digestOf(report);
      if (digest !== undefined) {
        const [a, b, c, d, content] = digest;
        const key = `${a} ${b} ${c} ${d}`;
        const known = this.#outbox.find(digest);
        const before = contents.get(key);
        if (known === "other" || (before !== undefined && before !== content)) throw saidOtherwise(report);
        if (known === "same" || before !== undefined) continue;
        contents.set(key, content);
      }
      fresh.push({ report, digest });
    }
    return fresh;
  }

  #acceptUsage(fresh: readonly Fresh<UsageReport>[], now: number): Promise<void> {
    return new Promise((resolve, reject) => {
      for (const { report } of fresh) {
        if (Math.abs(report.value) > MAX_AMOUNT)
          throw new CodedError(
            "invalid-argument",
            `value was ${report.value}: amounts beyond ${MAX_AMOUNT} cannot be counted exactly; report less at once`,
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

  #acceptEvents(fresh: readonly Fresh<UsageEvent>[], now: number): Promise<void> {
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
    const usage =
      reported === undefined || series === undefined ? reported : overlaidUsage(reported, series.entries, now);
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

function saidOtherwise({ idempotencyKey }: Keyed): CodedError {
  return new CodedError(
    "failed-precondition",
    `usage was reported before under the idempotency key ${JSON.stringify(idempotencyKey)} and said something else; that one counts and this one does not: send it under a key of its own`,
  );
}
