import type { CustomerState } from "../../../domain/customer-state.js";
import type { EntitlementReference } from "../../../domain/entitlement.js";
import type { Subject } from "../../../domain/subject.js";
import type { UsageEvent, UsageMeasurement, UsageReport } from "../../../domain/usage/usage-report.js";
import type { EntitlementOrigin } from "../../../ports/checks.js";
import type { Clock } from "../../../ports/clock.js";
import type { Logger } from "../../../ports/logger.js";
import type { CatalogInput } from "../file/catalog-input.js";
import { loadCatalogObject } from "../file/load-catalog.js";
import { CountingQueue, type UsageLog } from "../ledger/counting-queue.js";
import type { LedgerRecord } from "../ledger/ledger-record.js";
import type { LedgerDraft, UsageLedger } from "../ledger/usage-ledger.js";
import type { CatalogModel } from "../model/catalog-model.js";
import {
  type CatalogDifference,
  compareCatalogs,
  type ServedCatalog,
  type ServedModel,
} from "../model/compare-catalogs.js";
import { RecordTable } from "../model/record-table.js";
import { type CatalogListener, CatalogListeners, inTurns, usageChanges } from "./catalog-changes.js";
import { countEvents, countReports } from "./count-reports.js";
import type { CountContext } from "./count-usage.js";
import { deriveState, entitlementOrigin } from "./derive-state.js";
import type { CatalogReading } from "./read-usage.js";
import { beginWithStatedUsage, withStatedUsage } from "./stated-usage.js";

/** Customers whose stated usage goes into one record of the state file. */
const KEPT_TOGETHER = 100;

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
  readonly #listeners = new CatalogListeners();
  readonly #closers: (() => Promise<void>)[] = [];
  readonly #queue: CountingQueue;
  readonly #loggedEvents = new Set<string>();
  #served: ServedModel;
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
    return this.#listeners.add(listener, isCollective);
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
    return this.#count((context) => countReports(reports, context, this.#served));
  }

  /**
   * Counts what the catalog's meters make of all of the events, or of none. An event that no meter names is
   * accepted, and counted as unmatched. Resolves and throws as reportUsage does.
   */
  async reportEvents(events: readonly UsageEvent[]): Promise<void> {
    await this.#count((context) => countEvents(events, context, this.#served));
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
    const count = this.#listeners.isEmpty ? 0 : yield* this.#tellDifference(before, changed, removed);
    if (this.#log.isDurable) yield* this.#keepAllStatedUsage(changed);
    return count;
  }

  *#tellDifference(before: ServedModel, changed: Uint32Array, removed: Uint32Array): Generator<void, number> {
    this.#isTelling = true;
    try {
      const after = this.#served;
      return yield* this.#listeners.tellDifference(before, after, { changed, removed }, (subject) => {
        const now = this.#now();
        return [this.#stateIn(before, subject, now), this.#stateIn(after, subject, now)];
      });
    } finally {
      this.#isTelling = false;
    }
  }

  #stateIn(served: ServedModel, subject: Subject, now: number): CustomerState {
    return deriveState(served.model, subject, this.#readingOf(served, subject.customerId, now));
  }

  /** For what is read of one customer and its resources. */
  #readingOf(served: ServedModel, customerId: string, now: number): CatalogReading {
    return { ledger: withStatedUsage(customerId, served, this.#ledger), catalogSince: served.servedSince, now };
  }

  /** What cannot be written now is counted together with the next report of its customer. */
  *#keepAllStatedUsage(indexes: Uint32Array): Generator<void> {
    const customers = new RecordTable(this.#served.packed.customers);
    const writes: Promise<void>[] = [];
    for (let from = 0; from < indexes.length; from += KEPT_TOGETHER) {
      const customerIds = Array.from(indexes.subarray(from, from + KEPT_TOGETHER), (index) => customers.idAt(index));
      const write = this.#count(({ draft }) => {
        for (const customerId of customerIds) beginWithStatedUsage(customerId, this.#served, draft);
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
    if (wasSetBack) this.#listeners.tell({ type: "package-published", migration: "ALL_CUSTOMERS" });
    return now;
  }

  #counted(record: LedgerRecord): void {
    if (this.#isTelling) this.#invalidate(record);
    for (const change of usageChanges(this.#served.model, record, this.#reading())) this.#listeners.tell(change);
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
    for (const customerId of customerIds)
      this.#listeners.tell({ type: "subject-invalidated", subject: { customerId } });
  }
}
