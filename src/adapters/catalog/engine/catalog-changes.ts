import type { Change, UsageUpdated } from "../../../domain/change.js";
import type { CustomerState } from "../../../domain/customer-state.js";
import type { Subject } from "../../../domain/subject.js";
import { type LedgerRecord, subjectOfLine } from "../ledger/ledger-record.js";
import { type CatalogModel, subjectsOf } from "../model/catalog-model.js";
import type { CatalogDifference, ServedModel } from "../model/compare-catalogs.js";
import { RecordTable } from "../model/record-table.js";
import { activeTermsOf, visibleCurrencies, walletOwner } from "../model/subscription.js";
import { type CatalogReading, readFeatureUsage, readWallet } from "./read-usage.js";

/** Up to so many customers each state is compared with the one before; beyond it, who may be changed is asked for again. */
const MAX_COMPARED = 1_000;

export type CatalogListener = (change: Change) => void;

/** Whoever wants to hear of the changes of a catalog. */
export class CatalogListeners {
  readonly #all = new Set<CatalogListener>();
  /** Those for whom a change of many customers is one. */
  readonly #collective = new Set<CatalogListener>();

  get isEmpty(): boolean {
    return this.#all.size === 0;
  }

  /** See CatalogEngine.subscribe. @returns ends it */
  add(listener: CatalogListener, isCollective: boolean): () => void {
    this.#all.add(listener);
    if (isCollective) this.#collective.add(listener);
    return () => {
      this.#all.delete(listener);
      this.#collective.delete(listener);
    };
  }

  clear(): void {
    this.#all.clear();
    this.#collective.clear();
  }

  tell(change: Change): void {
    for (const listener of this.#all) listener(change);
  }

  /**
   * Reports what differs between two catalogs, customer by customer.
   *
   * @param statesOf what a subject has in the one and in the other, both at the same time
   * @returns how many subjects, or where those are many customers, may have changed
   */
  *tellDifference(
    before: ServedModel,
    after: ServedModel,
    { changed, removed }: Pick<CatalogDifference, "changed" | "removed">,
    statesOf: (subject: Subject) => readonly [before: CustomerState, after: CustomerState],
  ): Generator<void, number> {
    const customersBefore = new RecordTable(before.packed.customers);
    const customers = new RecordTable(after.packed.customers);
    const customerIds = function* () {
      for (const index of removed) yield customersBefore.idAt(index);
      for (const index of changed) yield customers.idAt(index);
    };
    if (changed.length + removed.length <= MAX_COMPARED)
      return yield* this.#tellDifferent(subjectsInEither(before.model, after.model, customerIds()), statesOf);
    const published = { type: "package-published", migration: "ALL_CUSTOMERS" } as const;
    for (const listener of this.#collective) listener(published);
    if (this.#collective.size < this.#all.size) yield* this.#tellInvalidated(customerIds());
    return changed.length + removed.length;
  }

  *#tellDifferent(
    subjects: Iterable<Subject>,
    statesOf: (subject: Subject) => readonly [before: CustomerState, after: CustomerState],
  ): Generator<void, number> {
    let count = 0;
    for (const subject of subjects) {
      const [before, state] = statesOf(subject);
      if (contentOf(state) !== contentOf(before)) {
        count++;
        this.tell({ type: "entitlements-updated", subject, state });
      }
      yield;
    }
    return count;
  }

  *#tellInvalidated(customerIds: Iterable<string>): Generator<void> {
    for (const customerId of customerIds) {
      const change = { type: "subject-invalidated", subject: { customerId } } as const;
      for (const listener of this.#all) if (!this.#collective.has(listener)) listener(change);
      yield;
    }
  }
}

/** Customers with their resources in either of two catalogs, each customer first: a change of it concerns its resources. */
function* subjectsInEither(
  before: CatalogModel,
  after: CatalogModel,
  customerIds: Iterable<string>,
): Iterable<Subject> {
  for (const customerId of customerIds) {
    const customers = [before.customers.get(customerId), after.customers.get(customerId)];
    const resourceIds = new Set(customers.flatMap((customer) => [...(customer?.resources.keys() ?? [])]));
    yield { customerId };
    for (const resourceId of resourceIds) yield { customerId, resourceId };
  }
}

/** All that a state says, without when it was learnt. */
export function contentOf(state: CustomerState): string {
  const features = [...state.features()].map((entitlement) => [
    entitlement,
    { ...state.featureUsage(entitlement.feature.id), updatedAt: undefined },
  ]);
  const credits = [...state.credits()].map((entitlement) => [
    entitlement,
    { ...state.creditUsage(entitlement.currency.currencyId), updatedAt: undefined },
  ]);
  return JSON.stringify([state.accessDeniedReason, features, credits]);
}

/**
 * Changes of the usage and of the wallets that a record touched, for every subject that sees them. What the catalog states is kept
 * with the first report of its customer, and is no change: what is counted is always newer than the catalog.
 */
export function* usageChanges(
  model: CatalogModel,
  record: LedgerRecord,
  reading: CatalogReading,
): Iterable<UsageUpdated> {
  for (const line of record.usage) {
    const [, , , , , countedAt] = line;
    if (countedAt <= reading.catalogSince) continue;
    const { customerId, resourceId } = subjectOfLine(line);
    const customer = model.customers.get(customerId);
    const definition = resourceId === undefined ? customer : customer?.resources.get(resourceId);
    const featureId = line[2];
    const terms = definition === undefined ? undefined : activeTermsOf(definition, featureId, reading.now);
    if (definition === undefined || terms === undefined) continue;
    // Without the anchor: it belongs to the set of entitlements, which changes of usage leave alone.
    const { currentUsage, periodStart, periodEnd, updatedAt } = readFeatureUsage(definition, featureId, terms, reading);
    yield {
      type: "usage-updated",
      subject: definition.subject,
      entitlement: { type: "feature", id: featureId },
      usage: { currentUsage, periodStart, periodEnd, updatedAt },
    };
  }
  for (const line of record.wallets) {
    const [, , , , , , countedAt] = line;
    if (countedAt > reading.catalogSince) yield* walletChanges(model, subjectOfLine(line), line[2], reading);
  }
}

function* walletChanges(
  model: CatalogModel,
  owner: Subject,
  currencyId: string,
  reading: CatalogReading,
): Iterable<UsageUpdated> {
  const customer = model.customers.get(owner.customerId);
  if (customer === undefined) return;
  for (const definition of subjectsOf(customer)) {
    const payer = walletOwner(definition, customer, currencyId);
    if (payer.subject.resourceId !== owner.resourceId || !visibleCurrencies(definition, customer).has(currencyId))
      continue;
    const { usage } = readWallet(payer, currencyId, reading);
    yield {
      type: "usage-updated",
      subject: definition.subject,
      entitlement: { type: "credit", id: currencyId },
      usage,
    };
  }
}

/** How long the work of one turn of the event loop may take, milliseconds: what waits behind it does not notice. */
const TURN_MS = 3;

const MAX_STEPS = 4_096;

/**
 * Does work of many steps a few at a time, so that whatever else the process does goes on between them. The first few
 * are done at once.
 *
 * @param isEnded looked at before each turn: what is left is then not done
 * @returns what the work returns, or undefined where it was ended
 */
export function inTurns<R>(work: Iterator<unknown, R>, isEnded: () => boolean): Promise<R | undefined> {
  let steps = 8;
  let startedAt = 0;
  let result: { readonly value: R | undefined } | undefined;
  let failure: Error | undefined;

  async function turn(): Promise<void> {
    startedAt = performance.now();
    try {
      for (let step = 0; step < steps && performance.now() - startedAt < TURN_MS; step++) {
        const next = work.next();
        if (next.done === true) {
          result = { value: next.value };
          return;
        }
        // What a step sets off without waiting belongs to its cost.
        await Promise.resolve();
      }
    } catch (error) {
      failure = error as Error;
    }
  }

  return new Promise((resolve, reject) => {
    const settle = () => {
      if (failure !== undefined) reject(failure);
      else if (result !== undefined) resolve(result.value);
      else if (isEnded()) resolve(undefined);
      else return false;
      return true;
    };
    const next = () => {
      if (settle()) return;
      setImmediate(() => void turn());
      // Runs right after the turn and all that it set off, and before anything else: so much did it take.
      setImmediate(() => {
        steps = performance.now() - startedAt > 2 * TURN_MS ? Math.max(1, steps >> 1) : Math.min(MAX_STEPS, steps * 2);
        next();
      });
    };
    void turn().then(next);
  });
}
