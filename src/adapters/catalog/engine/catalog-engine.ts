import type { Change } from "../../../domain/change.js";
import type { CustomerState } from "../../../domain/customer-state.js";
import type { EntitlementReference } from "../../../domain/entitlement.js";
import { CodedError } from "../../../domain/errors.js";
import type { Subject } from "../../../domain/subject.js";
import type { UsageEvent, UsageMeasurement, UsageReport } from "../../../domain/usage/usage-report.js";
import type { Clock } from "../../../ports/clock.js";
import type { EntitlementOrigin } from "../../../ports/directory.js";
import type { Logger } from "../../../ports/logger.js";
import type { CatalogInput } from "../file/catalog-input.js";
import { loadCatalogObject } from "../file/load-catalog.js";
import { CountingQueue } from "../ledger/counting-queue.js";
import { entitlementOrigin } from "../ledger/entitlement-origin.js";
import { LedgerDraft } from "../ledger/ledger-draft.js";
import type { LedgerReader } from "../ledger/ledger-entry.js";
import type { LedgerRecord } from "../ledger/ledger-record.js";
import { measurementIdOf, reportContent, reportDigest } from "../ledger/report-digest.js";
import type { UsageLedger } from "../ledger/usage-ledger.js";
import type { UsageLog } from "../ledger/usage-log.js";
import type { CatalogModel, CustomerDefinition } from "../model/catalog-model.js";
import { type CatalogDifference, compareCatalogs, type ServedCatalog } from "../model/compare-catalogs.js";
import { RecordTable } from "../model/record-table.js";
import { contentOf, subjectsInEither, usageChanges } from "./changes.js";
import { countEventOnce, countReportOnce } from "./count-once.js";
import type { CountContext } from "./count-usage.js";
import { deriveState } from "./derive-state.js";
import { inTurns } from "./in-turns.js";
import { answerOf, measurementAgain, measurementOf } from "./measurement.js";
import type { CatalogReading } from "./read-usage.js";
import { seedUsage, statesUsage } from "./seed-usage.js";

/** Up to so many customers each state is compared with the one before; beyond it, who may be changed is asked for again. */
const MAX_COMPARED = 1_000;

/** Customers whose stated usage goes into one record of the state file. */
const KEPT_TOGETHER = 100;

interface Served extends ServedCatalog {
  readonly model: CatalogModel;
}

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
  /** Those among the listeners for whom a change of many customers is one. */
  readonly #collective = new Set<CatalogListener>();
  readonly #closers: (() => Promise<void>)[] = [];
  readonly #queue: CountingQueue;
  readonly #loggedEvents = new Set<string>();
  #served: Served;
  #latestNow = -Infinity;
  #seeding: Promise<unknown> = Promise.resolve();
  #isTelling = false;
  #isClosed = false;

  constructor(ledger: UsageLedger, log: UsageLog, clock: Clock, logger: Logger) {
    const model = loadCatalogObject({ features: [], customers: [] });
    this.#served = { model, packed: model.packed, servedSince: 0, statedSince: undefined };
    this.#ledger = ledger;
    this.#log = log;
    this.#clock = clock;
    this.#logger = logger;
    this.#queue = new CountingQueue(ledger, log, (record) => this.#counted(record));
  }

  /** The catalog that is served. */
  get model(): CatalogModel {
    return this.#served.model;
  }

  /** The same as it is compared with another. */
  get served(): ServedCatalog {
    return this.#served;
  }

  /** What is true of a subject now. One that the catalog does not have is a state with a reason. */
  stateOf(subject: Subject): CustomerState {
    return this.#stateIn(this.#served, subject, this.#now());
  }

  /** Where what a subject has of a feature or wallet comes from. */
  originOf(subject: Subject, reference: EntitlementReference): EntitlementOrigin | undefined {
    return entitlementOrigin(
      this.model,
      subject,
      reference,
      this.#readingOf(this.#served, subject.customerId, this.#now()),
    );
  }

  /**
   * Calls back at each change, synchronously and in order, until the returned function is called.
   *
   * @param isCollective whether a catalog in which more than a thousand customers may have changed is one change, of
   *   type package-published; else it is one for each of them, of type subject-invalidated, over many turns
   */
  subscribe(listener: CatalogListener, isCollective = false): () => void {
    this.#listeners.add(listener);
    if (isCollective) this.#collective.add(listener);
    return () => {
      this.#listeners.delete(listener);
      this.#collective.delete(listener);
    };
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
      // A key that was made up for one report is never looked for.
      const digests = reports.map((report) => (report.keyOrigin === "generated" ? "" : reportDigest(report)));
      const before = reports.map((report, index) =>
        naming("report", index, reports.length, () => {
          this.#beginWithStatedUsage(report.subject.customerId, context.draft);
          return countReportOnce(report, digests[index] ?? "", context);
        }),
      );
      const reading = { ...context, ledger: context.draft };
      return reports.map((report, index) => {
        const digest = digests[index] ?? "";
        const answer = before[index];
        if (answer !== undefined) return measurementAgain(report, measurementIdOf(report, digest), answer);
        const measurement = measurementOf(context.model, report, measurementIdOf(report, digest), reading);
        if (report.keyOrigin !== "generated")
          context.draft.remember(digest, { content: reportContent(report), answer: answerOf(measurement) });
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
      events.forEach((event, index) => {
        naming("event", index, events.length, () => {
          this.#beginWithStatedUsage(event.subject.customerId, context.draft);
          countEventOnce(event, context);
        });
      });
    });
  }

  /** Events that came and that no meter names, by name, with how many; beyond many names the rest under "". */
  get unmatchedEvents(): ReadonlyMap<string, number> {
    return this.#ledger.unmatchedEvents();
  }

  /**
   * Serves another catalog from now on, and reports each change before it returns.
   *
   * @throws CodedError `invalid-argument` with every fault; then the present catalog goes on serving
   */
  replace(catalog: CatalogInput): void {
    const model = loadCatalogObject(catalog);
    const changes = this.#serve(model, compareCatalogs(this.#served, model.packed));
    while (changes.next().done !== true);
  }

  /**
   * Serves another catalog from now on, and reports the changes a few in each turn of the event loop. One at a time.
   *
   * @param difference from the catalog that is served
   * @returns how many subjects, or where those are many customers, may have changed, as far as somebody listens
   */
  async adopt(model: CatalogModel, difference = compareCatalogs(this.#served, model.packed)): Promise<number> {
    return (await inTurns(this.#serve(model, difference), () => this.#isClosed)) ?? 0;
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
    this.#isClosed = true;
    this.#listeners.clear();
    this.#collective.clear();
    for (const close of this.#closers.splice(0)) await close();
    await this.#queue.settled();
    await this.#log.close();
  }

  *#serve(
    model: CatalogModel,
    { changed, removed, rewritten, statedSince }: CatalogDifference,
  ): Generator<void, number> {
    const before = this.#served;
    // While it still says the same: what usage began with stays counted when it is no longer stated.
    yield* this.#keepAllStatedUsage(rewritten);
    const servedSince = Math.max(this.#now(), this.#ledger.latestUpdate + 1, before.servedSince + 1);
    this.#served = { model, packed: model.packed, servedSince, statedSince };
    const count = this.#listeners.size === 0 ? 0 : yield* this.#tellChanges(before, changed, removed);
    if (this.#log.isDurable) yield* this.#keepAllStatedUsage(changed);
    return count;
  }

  *#tellChanges(before: Served, changed: Uint32Array, removed: Uint32Array): Generator<void, number> {
    const customersBefore = new RecordTable(before.packed.customers);
    const customers = new RecordTable(this.#served.packed.customers);
    const customerIds = function* () {
      for (const index of removed) yield customersBefore.idAt(index);
      for (const index of changed) yield customers.idAt(index);
    };
    this.#isTelling = true;
    try {
      if (changed.length + removed.length <= MAX_COMPARED) return yield* this.#tellDifferent(before, customerIds());
      const published = { type: "package-published", migration: "ALL_CUSTOMERS" } as const;
      for (const listener of this.#collective) listener(published);
      if (this.#collective.size < this.#listeners.size) yield* this.#tellInvalidated(customerIds());
      return changed.length + removed.length;
    } finally {
      this.#isTelling = false;
    }
  }

  *#tellDifferent(before: Served, customerIds: Iterable<string>): Generator<void, number> {
    let count = 0;
    const after = this.#served;
    for (const customerId of customerIds) {
      for (const subject of subjectsInEither(before.model, after.model, customerId)) {
        const now = this.#now();
        const state = this.#stateIn(after, subject, now);
        if (contentOf(state) !== contentOf(this.#stateIn(before, subject, now))) {
          count++;
          this.#tell({ type: "entitlements-updated", subject, state });
        }
        yield;
      }
    }
    return count;
  }

  *#tellInvalidated(customerIds: Iterable<string>): Generator<void> {
    for (const customerId of customerIds) {
      const change = { type: "subject-invalidated", subject: { customerId } } as const;
      for (const listener of this.#listeners) if (!this.#collective.has(listener)) listener(change);
      yield;
    }
  }

  #stateIn(served: Served, subject: Subject, now: number): CustomerState {
    return deriveState(served.model, subject, this.#readingOf(served, subject.customerId, now));
  }

  /** For what is read of one customer and its resources. */
  #readingOf(served: Served, customerId: string, now: number): CatalogReading {
    const customer = served.model.customers.get(customerId);
    let ledger: LedgerReader = this.#ledger;
    if (customer !== undefined && statesUsage(customer)) ledger = this.#withStatedUsage(customer, served);
    return { ledger, catalogSince: served.servedSince, now };
  }

  /** Stated usage becomes part of the ledger once it is added to: kept for each customer it would take more memory than all else. */
  #withStatedUsage(
    customer: CustomerDefinition,
    { model, servedSince, statedSince }: Served,
    draft = new LedgerDraft(this.#ledger),
  ): LedgerDraft {
    const stated = statedSince?.[model.customers.indexOf(customer.subject.customerId)] ?? NaN;
    const since = Number.isNaN(stated) ? servedSince : stated;
    seedUsage(customer, { model, draft, catalogSince: since, now: since });
    return draft;
  }

  #beginWithStatedUsage(customerId: string, draft: LedgerDraft): void {
    const customer = this.#served.model.customers.get(customerId);
    if (customer !== undefined && statesUsage(customer)) this.#withStatedUsage(customer, this.#served, draft);
  }

  /** What cannot be written now is counted together with the next report of its customer. */
  *#keepAllStatedUsage(indexes: Uint32Array): Generator<void> {
    const customers = new RecordTable(this.#served.packed.customers);
    const writes: Promise<void>[] = [];
    for (let from = 0; from < indexes.length; from += KEPT_TOGETHER) {
      const customerIds = Array.from(indexes.subarray(from, from + KEPT_TOGETHER), (index) => customers.idAt(index));
      const write = this.#count(({ draft }) => {
        for (const customerId of customerIds) this.#beginWithStatedUsage(customerId, draft);
      });
      write.catch((error: unknown) => {
        this.#logger.warn(
          "initial usage of the catalog could not be written to the state file; the next report tries again",
          { error },
        );
      });
      writes.push(write);
      yield;
    }
    this.#seeding = Promise.all(writes);
    // Whoever asks whether it is safe is answered; for all others it has been logged.
    this.#seeding.catch(() => undefined);
  }

  #count<T>(count: (context: CountContext) => T): Promise<T> {
    return this.#queue.run((draft) => count(this.#context(draft)));
  }

  #reading(): CatalogReading {
    return { ledger: this.#ledger, catalogSince: this.#served.servedSince, now: this.#now() };
  }

  #context(draft: LedgerDraft): CountContext {
    const { model, servedSince } = this.#served;
    return { model, draft, catalogSince: servedSince, now: this.#now() };
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
    if (this.#isTelling) this.#invalidate(record);
    for (const change of usageChanges(this.#served.model, record, this.#reading())) this.#tell(change);
    for (const [name] of record.unmatched) {
      if (this.#loggedEvents.has(name)) continue;
      this.#loggedEvents.add(name);
      this.#logger.warn(
        "an event that no meter of the catalog names is not counted as usage; add a meter, or stop sending it",
        { eventName: name },
      );
    }
  }

  /** Usage by the terms of this catalog must not be joined to entitlements of the one before. */
  #invalidate({ usage, wallets }: LedgerRecord): void {
    const customerIds = new Set([...usage, ...wallets].map(([customerId]) => customerId));
    for (const customerId of customerIds) this.#tell({ type: "subject-invalidated", subject: { customerId } });
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
    throw new CodedError(error.code, `${what} ${index + 1} of ${count}, and so none was counted: ${error.message}`, {
      cause: error,
    });
  }
}
