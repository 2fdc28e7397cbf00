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
import { countEventOnce, countReportOnce } from "./count-once.js";
import type { CountContext } from "./count-usage.js";
import { CountingQueue } from "./counting-queue.js";
import { deriveState } from "./derive-state.js";
import type { LedgerDraft } from "./ledger-draft.js";
import type { LedgerRecord } from "./ledger-record.js";
import { loadCatalogObject } from "./load-catalog.js";
import { answerOf, measurementAgain, measurementOf } from "./measurement.js";
import type { Reading } from "./read-usage.js";
import { measurementIdOf, reportContent, reportDigest } from "./report-digest.js";
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

/** A clock that is steered goes back by less. */
const TOLERATED_STEP_MS = 1_000;

/**
 * A catalog at work: derives states, counts usage, and calls listeners back at everything that changes. With a state
 * file, usage counts from when it is safe; without one, at once.
 */
export class CatalogEngine {
  readonly #ledger: UsageLedger;
  readonly #log: UsageLog;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #listeners = new Set<CatalogListener>();
  readonly #closers: (() => Promise<void>)[] = [];
  readonly #queue: CountingQueue;
  readonly #loggedEvents = new Set<string>();
  #model = EMPTY_MODEL;
  #catalogSince = 0;
  #latestNow = -Infinity;
  #mustSeed = false;
  #seeding: Promise<void> = Promise.resolve();

  constructor(ledger: UsageLedger, log: UsageLog, clock: Clock, logger: Logger) {
    this.#ledger = ledger;
    this.#log = log;
    this.#clock = clock;
    this.#logger = logger;
    this.#queue = new CountingQueue(ledger, log, (record) => this.#counted(record));
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
   * Counts all of the reports, or none. Resolves once they are safe. One that was counted before under the same key is
   * not counted again, and is answered as it was then.
   *
   * @throws CodedError `not-found`, `invalid-argument` or `failed-precondition` for what cannot be counted, also where
   *   its key was that of another report; `resource-exhausted` or `unavailable` where the state file cannot be written,
   *   saying whether the usage counts
   */
  async reportUsage(reports: readonly UsageReport[]): Promise<readonly UsageMeasurement[]> {
    return this.#count((context) => {
      const digests = reports.map(reportDigest);
      const before = reports.map((report, index) =>
        naming("report", index, reports.length, () => countReportOnce(report, digests[index] ?? "", context)),
      );
      const reading = { ...context, ledger: context.draft };
      return reports.map((report, index) => {
        const digest = digests[index] ?? "";
        const answer = before[index];
        if (answer !== undefined) return measurementAgain(report, measurementIdOf(digest), answer);
        const measurement = measurementOf(context.model, report, measurementIdOf(digest), reading);
        if (report.keyOrigin !== "generated") context.draft.remember(digest, { content: reportContent(report), answer: answerOf(measurement) });
        return measurement;
      });
    });
  }

  /**
   * Counts what the catalog's meters make of all of the events, or of none. An event that no meter names is
   * accepted, and counted as unmatched. Resolves and throws as reportUsage does.
   */
  async reportEvents(events: readonly UsageEvent[]): Promise<void> {
    await this.#count((context) => {
      events.forEach((event, index) => naming("event", index, events.length, () => countEventOnce(event, context)));
    });
  }

  /** Events that came and that no meter names, by name, with how many; beyond many names the rest under "". */
  get unmatchedEvents(): ReadonlyMap<string, number> {
    return this.#ledger.unmatchedEvents();
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
    this.#seed();
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

  /**
   * Resolves once the initial usage of the catalog is safe.
   *
   * @throws CodedError as reportUsage does
   */
  async settled(): Promise<void> {
    await this.#seeding;
  }

  /** Resolves once what was counted is safe and everything that belongs to the engine has ended. Can be called again. */
  async close(): Promise<void> {
    this.#listeners.clear();
    for (const close of this.#closers.splice(0)) await close();
    await this.#queue.settled();
    await this.#log.close();
  }

  #count<T>(count: (context: CountContext) => T): Promise<T> {
    return this.#queue.run((draft) => {
      const context = this.#context(draft);
      if (this.#mustSeed) seedUsage(context);
      return count(context);
    });
  }

  /** Initial usage that cannot be written now is counted together with the next report. */
  #seed(): void {
    this.#mustSeed = true;
    this.#seeding = this.#count(() => undefined).then(() => {
      this.#mustSeed = false;
    });
    this.#seeding.catch((error: unknown) => {
      this.#logger.warn("initial usage of the catalog could not be written to the state file and does not count yet; the next report tries again", { error });
    });
  }

  #reading(): Reading {
    return { ledger: this.#ledger, catalogSince: this.#catalogSince, now: this.#now() };
  }

  #context(draft: LedgerDraft): CountContext {
    return { model: this.#model, draft, catalogSince: this.#catalogSince, now: this.#now() };
  }

  /** The clock's time. Where that was set back, states of the time ahead may be cached, and none of them is true now. */
  #now(): number {
    const now = this.#clock.now();
    const wasSetBack = now < this.#latestNow - TOLERATED_STEP_MS;
    this.#latestNow = wasSetBack ? now : Math.max(this.#latestNow, now);
    if (wasSetBack) this.#tell({ type: "package-published", migration: "ALL_CUSTOMERS" });
    return now;
  }

  #counted(record: LedgerRecord): void {
    for (const change of usageChanges(this.#model, record, this.#reading())) this.#tell(change);
    for (const [name] of record.unmatched) {
      if (this.#loggedEvents.has(name)) continue;
      this.#loggedEvents.add(name);
      this.#logger.warn("an event that no meter of the catalog names is not counted as usage; add a meter, or stop sending it", { eventName: name });
    }
  }

  #tell(change: Change): void {
    for (const listener of this.#listeners) listener(change);
  }
}

/** Which of many cannot be counted. */
function naming<T>(what: string, index: number, count: number, check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (count === 1 || !(error instanceof CodedError)) throw error;
    throw new CodedError(error.code, `${what} ${index + 1} of ${count}, and so none was counted: ${error.message}`, { cause: error });
  }
}
