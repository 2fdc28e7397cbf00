import type { AsideList } from "../../domain/outbox/outbox-record.js";
import type { OutboxState } from "../../domain/outbox/outbox-state.js";
import { isWordlessRefusal, mayCountInPart, reportFailureOf } from "../../domain/outbox/report-failure.js";
import type { UsageEntry, UsageSeries } from "../../domain/outbox/usage-entry.js";
import type { UsageMeasurement } from "../../domain/usage/usage-report.js";
import type { Clock } from "../../ports/clock.js";
import type { Logger } from "../../ports/logger.js";
import type { Outbox } from "../../ports/outbox.js";
import { isTooLate, type SteadyTime } from "../../ports/steady-time.js";
import type { UpstreamClient } from "../../ports/upstream-client.js";
import { type DeliveryLimits, type DeliveryPace, SlidingBudget } from "./delivery-pace.js";
import type { OutboxNotes } from "./outbox-notes.js";
import { RefusedSeries } from "./refused-series.js";

export interface DeliveryParts {
  readonly outbox: Outbox;
  readonly upstream: UpstreamClient;
  readonly clock: Clock;
  readonly time: SteadyTime;
  readonly logger: Logger;
  readonly notes: OutboxNotes;
  readonly pace: DeliveryPace;
  readonly limits: DeliveryLimits;
  readonly signal: AbortSignal;
  /** Called when there may be more to do. */
  readonly again: () => void;
}

interface Try {
  readonly entry: UsageEntry;
  /** Whether an earlier try may have arrived. */
  readonly isRepeated: boolean;
}

const MINUTE_MS = 60_000;

/**
 * Tells upstream of usage: of one subject and feature in order, one request at a time; as many subjects in a request as
 * upstream takes; each entry written down as it is going to be reported before its first try.
 */
export class DeliverUsage {
  readonly #parts: DeliveryParts;
  readonly #state: OutboxState;
  readonly #remember: (measurements: readonly UsageMeasurement[]) => Promise<void>;
  readonly #singles: SlidingBudget;
  readonly #bulks: SlidingBudget;
  readonly #busy = new Set<UsageSeries>();
  readonly #refused = new RefusedSeries();
  #sentAt = -Infinity;

  /** @param remember has the next check know what upstream counts, before it rejects never */
  constructor(parts: DeliveryParts, remember: (measurements: readonly UsageMeasurement[]) => Promise<void>) {
    this.#parts = parts;
    this.#state = parts.outbox.state;
    this.#remember = remember;
    this.#singles = new SlidingBudget(parts.limits.reportsPerMinute, MINUTE_MS);
    this.#bulks = new SlidingBudget(parts.limits.bulksPerMinute, MINUTE_MS);
  }

  /** Sends what can be sent. @returns milliseconds until it may be worth trying again; Infinity: once something happens */
  pump(): number {
    for (;;) {
      if (this.#state.waiting.size <= this.#busy.size) return Infinity;
      const wait = this.#parts.pace.waitMs();
      if (wait > 0) return wait;
      const now = this.#parts.time.now();
      // Looked for with each report that is accepted: what can go is worth finding only once anything can.
      const tooSoon = this.#sentAt + this.#spacingMs(Infinity) - now;
      if (tooSoon > 0) return tooSoon;
      const { run, notBefore } = this.#nextRun();
      if (run.length === 0) return notBefore;
      const spacing = this.#sentAt + this.#spacingMs(run.length) - now;
      if (spacing > 0) return spacing;
      const budget = run.length === 1 ? this.#singles : this.#bulks;
      if (budget.available(now) === 0) return budget.waitMs(now);
      for (const entry of run) this.#state.close(entry);
      // What is still being written to is complete after that write, which wakes this up.
      const ready = run.filter(({ unwritten }) => unwritten === 0);
      if (ready.length === 0) return Infinity;
      budget.take(1, now);
      this.#sentAt = now;
      void this.#send(ready);
    }
  }

  /** What waits for a request goes together with what comes meanwhile; so the minute's requests are spread over it. */
  #spacingMs(count: number): number {
    const { spacingMs, reportsPerBulk, bulksPerMinute } = this.#parts.limits;
    return count < reportsPerBulk ? spacingMs : Math.min(spacingMs, MINUTE_MS / bulksPerMinute);
  }

  /** The entries that can go now, in order and not of the same series as any that are under way. */
  #nextRun(): { readonly run: readonly UsageEntry[]; readonly notBefore: number } {
    const { limits, time } = this.#parts;
    const now = time.now();
    const run: UsageEntry[] = [];
    let notBefore = Infinity;
    for (const series of this.#state.waiting) {
      if (this.#busy.has(series)) continue;
      for (const entry of series.entries) {
        if (entry.notBefore > now) {
          notBefore = Math.min(notBefore, entry.notBefore - now);
          break;
        }
        const isAlone = entry.isAlone || this.#refused.has(series, now);
        if (isAlone && run.length > 0) break;
        // What is set must come after all before it and before all after it.
        if (entry.behavior === "SET" && entry !== series.entries[0]) break;
        if (entry.count === 0) break;
        run.push(entry);
        if (isAlone) return { run, notBefore };
        if (run.length === limits.reportsPerBulk) return { run, notBefore };
        if (entry.behavior === "SET") break;
      }
    }
    return { run, notBefore };
  }

  async #send(run: readonly UsageEntry[]): Promise<void> {
    const { pace, again, outbox } = this.#parts;
    const series = new Set(run.map((entry) => entry.series));
    for (const each of series) this.#busy.add(each);
    pace.began();
    try {
      for (const entry of run.filter((each) => this.#isTooLate(each))) {
        await this.#setAside(
          entry,
          "in-doubt",
          "it was tried, the answer was lost, and upstream may not know its key any more",
        );
      }
      // Only now: writing can take as long as there is no room, and what was in time before that may not be any more.
      const tries: Try[] = run
        .filter((entry) => this.#state.entries.has(entry.id) && !this.#isTooLate(entry))
        .map((entry) => ({ entry, isRepeated: entry.triedAt !== undefined }));
      if (tries.length > 0) {
        if (await this.#announce(tries)) await this.#attempt(tries);
        else pace.abandoned();
      }
    } catch (error) {
      pace.failed(error);
      this.#parts.logger.error("usage could not be delivered for a reason that was not foreseen", {
        error,
        outbox: outbox.id,
      });
    }
    pace.ended();
    for (const each of series) {
      this.#busy.delete(each);
      // The next ones first.
      if (this.#state.waiting.delete(each)) this.#state.waiting.add(each);
    }
    again();
  }

  /** Writes down what is going to be tried. */
  #announce(tries: readonly Try[]): Promise<boolean> {
    const { outbox, clock, notes } = this.#parts;
    const at = clock.now();
    const steady = this.#parts.time.now();
    const again: number[] = [];
    const records = [];
    for (const { entry } of tries) {
      if (!entry.isFormed) records.push({ ...entry.record(outbox.id), triedAt: entry.triedAt ?? at, isFormed: true });
      else if (entry.triedAt === undefined) again.push(entry.id);
      if (entry.triedAt === undefined) entry.triedSteadyAt = steady;
    }
    return notes.write(again.length === 0 ? records : [...records, { type: "tried", ids: again, at }]);
  }

  async #attempt(tries: readonly Try[]): Promise<void> {
    const { upstream, outbox, pace, clock, notes, signal } = this.#parts;
    const reports = tries.map(({ entry }) => entry.record(outbox.id).usage);
    const [report] = reports;
    let measurements: readonly UsageMeasurement[];
    try {
      measurements =
        reports.length === 1 && report !== undefined
          ? [await upstream.reportUsage(report, { signal })]
          : await upstream.reportUsageBulk(reports, { signal });
    } catch (error) {
      await this.#failed(tries, error);
      return;
    }
    pace.answered();
    const confirmed: UsageMeasurement[] = [];
    const delivered: UsageEntry[] = [];
    for (const [index, { entry }] of tries.entries()) {
      const measurement = measurements[index];
      if (measurement === undefined || measurement.isConfirmed === false) {
        // Under its key again, and by itself: upstream has to say of it alone whether it counts.
        entry.isAlone = true;
        continue;
      }
      // Until all of it is cached: what is cached first must not be counted beside the entry.
      entry.measuredAt = measurement.updatedAt;
      confirmed.push(measurement);
      delivered.push(entry);
    }
    if (delivered.length < tries.length)
      this.#parts.logger.warn(
        "upstream took a request and did not say of each report in it that it counts: those are sent again by themselves, under their keys",
        { reports: tries.length, confirmed: delivered.length },
      );
    if (delivered.length === 0) return;
    await this.#remember(confirmed);
    for (const entry of delivered) this.#state.measured(entry);
    const count = delivered.reduce((sum, entry) => sum + entry.count, 0);
    await notes.keep({ type: "delivered", ids: delivered.map(({ id }) => id), count, at: clock.now() });
  }

  async #failed(tries: readonly Try[], error: unknown): Promise<void> {
    const { pace, notes, time, logger } = this.#parts;
    const failure = reportFailureOf(error);
    const [first] = tries;
    if (failure === "refused" && tries.length === 1 && first !== undefined) {
      pace.answered();
      const reason = error instanceof Error ? error.message : String(error);
      const { entry } = first;
      const isRepeated = first.isRepeated || mayCountInPart(error);
      this.#refused.add(entry.series, time.now());
      await this.#setAside(
        entry,
        isRepeated ? "in-doubt" : "rejected",
        isRepeated ? `a try whose answer was lost may count; then upstream refused it: ${reason}` : reason,
      );
      return;
    }
    if (failure === "refused") {
      pace.answered();
      for (const { entry } of tries) entry.isAlone = true;
    } else {
      if (isWordlessRefusal(error)) this.#separate(tries);
      else {
        pace.failed(error);
        for (const { entry } of tries) entry.notBefore = time.now() + pace.backOffMs(++entry.failures);
      }
      logger.warn("usage could not be delivered for now: it stays in the outbox and is tried again", {
        error,
        reports: tries.length,
      });
    }
    if (failure === "unknown" || mayCountInPart(error)) return;
    const ids = tries.filter(({ isRepeated }) => !isRepeated).map(({ entry }) => entry.id);
    if (ids.length > 0) await notes.keep({ type: "not-arrived", ids });
  }

  /** One of them may have all of a request refused, now and later: each goes by itself, and the others pass by it. */
  #separate(tries: readonly Try[]): void {
    const { pace, time } = this.#parts;
    pace.refusedWithoutWord();
    const isOfOne = tries.length === 1;
    for (const { entry } of tries) {
      entry.isAlone = true;
      if (!isOfOne) continue;
      this.#refused.add(entry.series, time.now());
      entry.notBefore = time.now() + pace.backOffMs(++entry.failures);
    }
  }

  #isTooLate({ triedAt, triedSteadyAt }: UsageEntry): boolean {
    if (triedAt === undefined) return false;
    return isTooLate(triedAt, triedSteadyAt, this.#state.latestAt, this.#parts);
  }

  #setAside(entry: UsageEntry, list: AsideList, reason: string): Promise<void> {
    const { outbox, clock, notes } = this.#parts;
    const { usage, group, count } = entry.record(outbox.id);
    return notes.setAside({ id: entry.id, list, reason, at: clock.now(), count, content: { usage, group } });
  }
}
