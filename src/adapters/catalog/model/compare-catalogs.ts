import type { CustomerInput, SubscriptionInput } from "../file/catalog-input.js";
import { type CatalogModel, NO_PLAN, type PackedCatalog, SEVERAL_PLANS } from "./catalog-model.js";
import { RecordTable } from "./record-table.js";

/** A catalog that is served, and since when. Times are epoch milliseconds. */
export interface ServedCatalog {
  readonly packed: PackedCatalog;
  readonly servedSince: number;
  /** By customer: since when the usage that it begins with has been stated; NaN and undefined: since the catalog is served. */
  readonly statedSince: Float64Array | undefined;
}

/** The same, to be asked. */
export interface ServedModel extends ServedCatalog {
  readonly model: CatalogModel;
}

/** What differs between two catalogs, as numbers of customers. */
export interface CatalogDifference {
  /** Those of the later one that are new, or whose states may be others. */
  readonly changed: Uint32Array;
  /** Those of the earlier one that the later one does not have. */
  readonly removed: Uint32Array;
  /** Those of the earlier one that the later one does not have, or not as they are written: what is stated of them may end. */
  readonly rewritten: Uint32Array;
  /** See ServedCatalog. */
  readonly statedSince: Float64Array | undefined;
}

const NONE = new Uint32Array(0);

/** Compares by how each is written: a customer that is written alike, with plans that are, cannot have another state. */
export function compareCatalogs(
  { packed: earlier, servedSince, statedSince: earlierSince }: ServedCatalog,
  later: PackedCatalog,
): CatalogDifference {
  const customersBefore = new RecordTable(earlier.customers);
  const customers = new RecordTable(later.customers);
  if (customersBefore.size === 0)
    return {
      changed: Uint32Array.from({ length: customers.size }, (_, index) => index),
      removed: NONE,
      rewritten: NONE,
      statedSince: undefined,
    };
  const plans = new ChangedPlans(earlier, later);
  const statedSince = new Float64Array(new SharedArrayBuffer(customers.size * Float64Array.BYTES_PER_ELEMENT)).fill(
    NaN,
  );
  const sinceBefore = (index: number) => {
    const since = earlierSince?.[index] ?? NaN;
    return Number.isNaN(since) ? servedSince : since;
  };
  const changed: number[] = [];
  const rewritten: number[] = [];
  for (let index = 0; index < customers.size; index++) {
    const before = customersBefore.indexOf(customers.idAt(index));
    if (before === -1) {
      changed.push(index);
      continue;
    }
    const isSame = customers.isSame(index, customersBefore, before);
    if (!isSame) rewritten.push(before);
    if (!isSame || plans.isChangedFor(index, customers)) changed.push(index);
    if (isSame || statesSameUsage(customersBefore.valueAt(before), customers.valueAt(index)))
      statedSince[index] = sinceBefore(before);
  }
  const removed: number[] = [];
  for (let index = 0; index < customersBefore.size; index++) {
    if (customers.indexOf(customersBefore.idAt(index)) === -1) removed.push(index);
  }
  return {
    changed: Uint32Array.from(changed),
    removed: Uint32Array.from(removed),
    rewritten: Uint32Array.from(rewritten.concat(removed)),
    statedSince,
  };
}

class ChangedPlans {
  readonly #isAllChanged: boolean;
  readonly #changed = new Set<number>();
  readonly #plans: RecordTable;
  readonly #planOf: Int32Array;

  constructor(earlier: PackedCatalog, later: PackedCatalog) {
    this.#isAllChanged = earlier.shared !== later.shared;
    this.#plans = new RecordTable(later.plans);
    this.#planOf = later.planOf;
    const before = new RecordTable(earlier.plans);
    for (let index = 0; index < this.#plans.size; index++) {
      const other = before.indexOf(this.#plans.idAt(index));
      if (other === -1 || !this.#plans.isSame(index, before, other)) this.#changed.add(index);
    }
  }

  isChangedFor(customer: number, customers: RecordTable): boolean {
    if (this.#isAllChanged) return true;
    const plan = this.#planOf[customer] as number;
    if (plan !== SEVERAL_PLANS) return plan !== NO_PLAN && this.#changed.has(plan);
    const { plan: own, resources = [] } = customers.valueAt(customer) as CustomerInput;
    return [own, ...resources.map((resource) => resource.plan)].some(
      (id) => id !== undefined && this.#changed.has(this.#plans.indexOf(id)),
    );
  }
}

function statesSameUsage(before: unknown, after: unknown): boolean {
  return JSON.stringify(statedUsage(before as CustomerInput)) === JSON.stringify(statedUsage(after as CustomerInput));
}

function statedUsage(customer: CustomerInput): unknown {
  const ofSubject = ({ usage = {}, creditsUsed = {} }: SubscriptionInput) => [
    Object.entries(usage),
    Object.entries(creditsUsed),
  ];
  return [ofSubject(customer), (customer.resources ?? []).map((resource) => [resource.id, ...ofSubject(resource)])];
}
