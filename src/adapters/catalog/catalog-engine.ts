import type { Change } from "../../domain/change.js";
import type { CustomerState } from "../../domain/customer-state.js";
import { CodedError } from "../../domain/errors.js";
import type { Subject } from "../../domain/subject.js";
import type { UsageEvent, UsageMeasurement, UsageReport } from "../../domain/usage-report.js";
import type { Clock } from "../../ports/clock.js";
import type { Logger } from "../../ports/logger.js";
import type { CatalogInput } from "./catalog-input.js";
import type { CatalogModel } from "./catalog-model.js";
import { changeOfState, contentOf, subjectsThatMayDiffer, usageChanges } from "./changes.js";
import { countUsage, type CountContext } from "./count-usage.js";
import { subjectToCount } from "./countable.js";
import { deriveState } from "./derive-state.js";
import { LedgerDraft } from "./ledger-draft.js";
import { loadCatalogObject } from "./load-catalog.js";
import { measureEvent } from "./measure-event.js";
import { measurementOf } from "./measurement.js";
import type { Reading } from "./read-usage.js";
import { eventDigest, measurementIdOf, reportDigest } from "./report-digest.js";
import { seedUsage } from "./seed-usage.js";
import type { UsageLedger } from "./usage-ledger.js";
import type { UsageLog } from "./usage-log.js";

const EMPTY_MODEL: CatalogModel = {
  features: new Map(),
  currencies: new Map(),
  plans: new Map(),
  customers: new Map(),
  metersByEvent: new Map(),
  written: "",
};

export type CatalogListener = (change: Change) => void;

/**
 * A catalog at work: tells states, counts usage, and tells listeners of everything that changes. All of it
 * happens in memory and at once; only what was counted is awaited, until it is safe.
 */
export class CatalogEngine {
  readonly #ledger: UsageLedger;
  readonly #log: UsageLog;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #listeners = new Set<CatalogListener>();
  readonly #closers: (() => Promise<void>)[] = [];
  #model = EMPTY_MODEL;
  #catalogSince = 0;

  constructor(ledger: UsageLedger, log: UsageLog, clock: Clock, logger: Logger) {
    this.#ledger = ledger;
    this.#log = log;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** The catalog that is served. */
  get model(): CatalogModel {
    return this.#model;
  }

  /** What is true of a subject now. One that the catalog does not have is a state with a reason. */
  stateOf(subject: Subject): CustomerState {
    return deriveState(this.#model, subject, this.#reading());
  }

  /** Calls back at each change, synchronously and in order, until the returned function is called. */
  subscribe(listener: CatalogListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Counts all of the reports, or none. Resolves once they are safe; one that was counted before under the
   * same key is measured again and not counted again.
   *
   * @throws CodedError `not-found`, `invalid-argument` or `failed-precondition` for what cannot be counted,
   *   `unavailable` where the state file cannot be written: trying again with the same key is safe
   */
  async reportUsage(reports: readonly UsageReport[]): Promise<readonly UsageMeasurement[]> {
    const context = this.#context();
    const digests = reports.map(reportDigest);
    reports.forEach((report, index) => {
      naming("report", index, reports.length, () => {
        subjectToCount(context.model, report.subject);
        if (context.draft.isFirst(digests[index] ?? "")) countUsage(report, context);
      });
    });
    const safe = this.#commit(context);
    const reading = this.#reading();
    const measurements = reports.map((report, index) => measurementOf(this.#model, report, measurementIdOf(digests[index] ?? ""), reading));
    await safe;
    return measurements;
  }

  /**
   * Counts what the catalog's meters make of all of the events, or of none. An event that no meter names is
   * accepted. Resolves and throws as reportUsage does.
   */
  async reportEvents(events: readonly UsageEvent[]): Promise<void> {
    const context = this.#context();
    events.forEach((event, index) => {
      naming("event", index, events.length, () => {
        subjectToCount(context.model, event.subject);
        if (!context.draft.isFirst(eventDigest(event))) return;
        for (const counted of measureEvent(context.model, event)) countUsage(counted, context);
      });
    });
    await this.#commit(context);
  }

  /**
   * Serves another catalog from now on.
   *
   * @throws CodedError `invalid-argument` with every fault; then the present catalog goes on serving
   */
  replace(catalog: CatalogInput): void {
    this.adopt(loadCatalogObject(catalog));
  }

  /**
   * Serves another catalog from now on and tells of every subject whose state it changes.
   *
   * @returns how many those are, as far as somebody listens
   */
  adopt(model: CatalogModel): number {
    const before = this.#reading();
    const subjects = this.#listeners.size === 0 ? [] : subjectsThatMayDiffer(this.#model, model);
    const contents = subjects.map((subject) => contentOf(deriveState(this.#model, subject, before)));
    this.#model = model;
    this.#catalogSince = Math.max(before.now, this.#ledger.latestUpdate + 1, this.#catalogSince + 1);
    const context = this.#context();
    seedUsage(context);
    const record = context.draft.toRecord();
    this.#ledger.apply(record);
    this.#log.append(record).catch((error: unknown) => {
      this.#logger.warn("initial usage of the catalog is not yet in the state file; the next report writes it", { error });
    });
    const after = this.#reading();
    let changed = 0;
    subjects.forEach((subject, index) => {
      const change = changeOfState(model, subject, contents[index] ?? "", after);
      if (change === undefined) return;
      changed++;
      this.#tell(change);
    });
    return changed;
  }

  /** Calls back when the engine is closed. */
  onClose(close: () => Promise<void>): void {
    this.#closers.push(close);
  }

  /** Resolves once what was counted is safe and everything that belongs to the engine has ended. Can be called again. */
  async close(): Promise<void> {
    this.#listeners.clear();
    for (const close of this.#closers.splice(0)) await close();
    await this.#log.close();
  }

  #reading(): Reading {
    return { ledger: this.#ledger, catalogSince: this.#catalogSince, now: this.#clock.now() };
  }

  #context(): CountContext & { readonly draft: LedgerDraft } {
    const draft = new LedgerDraft(this.#ledger);
    return { model: this.#model, draft, catalogSince: this.#catalogSince, now: this.#clock.now() };
  }

  /** What is counted counts at once: the next check and the next report know it while it is being written. */
  #commit({ draft }: CountContext): Promise<void> {
    const record = draft.toRecord();
    // Nothing new: a report that was counted before, whose first try may still be on its way to the file.
    if (record.keys.length === 0) return this.#log.settled();
    this.#ledger.apply(record);
    const safe = this.#log.append(record);
    for (const change of usageChanges(this.#model, record, this.#reading())) this.#tell(change);
    return safe;
  }

  #tell(change: Change): void {
    for (const listener of this.#listeners) listener(change);
  }
}

/** Which of many cannot be counted. */
function naming(what: string, index: number, count: number, check: () => void): void {
  try {
    check();
  } catch (error) {
    if (count === 1 || !(error instanceof CodedError)) throw error;
    throw new CodedError(error.code, `${what} ${index + 1} of ${count}, and so none was counted: ${error.message}`, { cause: error });
  }
}
