import QuickLRU from "quick-lru";
import { FaultList } from "../file/catalog-fault.js";
import type { CatalogInput, CustomerInput, PlanInput } from "../file/catalog-input.js";
import {
  type CatalogModel,
  type CatalogNames,
  type CustomerDefinition,
  type Lookup,
  NO_PLAN,
  type PackedCatalog,
  type PlanDefinition,
  SEVERAL_PLANS,
} from "./catalog-model.js";
import { compilePlan, compileShared } from "./compile-catalog.js";
import { compileCustomer } from "./compile-customer.js";
import { RecordTable, RecordTableBuilder } from "./record-table.js";

/** How many customers are remembered as definitions; the others are made again from their records, in some 20 µs. */
const MAX_REMEMBERED = 4_000;

/** A catalog to be asked. What it has of a plan or a customer is read when it is asked for. */
export function unpackCatalog(packed: PackedCatalog): CatalogModel {
  const [features, creditCurrencies] = JSON.parse(packed.shared) as [
    CatalogInput["features"],
    CatalogInput["creditCurrencies"] | null,
  ];
  // It stays empty: what is packed has been checked.
  const faults = new FaultList();
  const shared = compileShared({ features, creditCurrencies: creditCurrencies ?? [] }, faults);
  const plans = new LazyTable<PlanDefinition>(
    new RecordTable(packed.plans),
    (plan) => compilePlan(plan as PlanInput, shared, [], faults),
    new Map(),
  );
  const names: CatalogNames = { features: shared.features, currencies: shared.currencies, plans };
  const customers = new LazyTable<CustomerDefinition>(
    new RecordTable(packed.customers),
    (customer) => compileCustomer(customer as CustomerInput, names, [], faults),
    new QuickLRU({ maxSize: MAX_REMEMBERED }),
  );
  return { ...shared, plans, customers, packed };
}

interface Remembered<T> {
  get(index: number): T | undefined;
  set(index: number, value: T): unknown;
}

/** Definitions that are made from their records when they are asked for, and then remembered. */
class LazyTable<T> implements Lookup<T> {
  readonly records: RecordTable;
  readonly #make: (value: unknown) => T;
  readonly #made: Remembered<T>;

  constructor(records: RecordTable, make: (value: unknown) => T, made: Remembered<T>) {
    this.records = records;
    this.#make = make;
    this.#made = made;
  }

  get size(): number {
    return this.records.size;
  }

  /** The number of the record, or -1. */
  indexOf(id: string): number {
    return this.records.indexOf(id);
  }

  get(id: string): T | undefined {
    const index = this.records.indexOf(id);
    return index === -1 ? undefined : this.at(index);
  }

  at(index: number): T {
    const known = this.#made.get(index);
    if (known !== undefined) return known;
    const made = this.#make(this.records.valueAt(index));
    this.#made.set(index, made);
    return made;
  }

  keys(): Iterable<string> {
    return this.records.keys();
  }
}

/** Checks the names of a catalog and packs it, customer by customer, so that no more than one is needed at a time. */
export class CatalogPacker {
  readonly faults = new FaultList();
  readonly #input: Omit<CatalogInput, "customers">;
  readonly #names: CatalogNames;
  readonly #plans: RecordTable;
  readonly #customers = new RecordTableBuilder();
  #planOf = new Int32Array(64);
  #count = 0;

  constructor(input: Omit<CatalogInput, "customers">) {
    this.#input = input;
    const shared = compileShared(input, this.faults);
    const plans = new RecordTableBuilder();
    const definitions = this.faults.index("plan", input.plans ?? [], ["plans"], (plan, path) => {
      plans.add(plan.id, { ...plan, displayName: undefined });
      return compilePlan(plan, shared, path, this.faults);
    });
    this.#plans = plans.finish();
    this.#names = { features: shared.features, currencies: shared.currencies, plans: definitions };
  }

  add(customer: CustomerInput, index: number): void {
    const path = ["customers", index];
    if (!this.#customers.add(customer.id, withoutNames(customer))) {
      this.faults.add(
        [...path, "id"],
        `there is a customer ${JSON.stringify(customer.id)} already; ids are unique, rename or remove one`,
      );
      return;
    }
    compileCustomer(customer, this.#names, path, this.faults);
    if (this.#count === this.#planOf.length) {
      const larger = new Int32Array(2 * this.#count);
      larger.set(this.#planOf);
      this.#planOf = larger;
    }
    this.#planOf[this.#count++] = this.#planNumber(customer);
  }

  /** To be used only where there is no fault. */
  finish(): PackedCatalog {
    const { features, creditCurrencies } = this.#input;
    const planOf = new Int32Array(new SharedArrayBuffer(this.#count * Int32Array.BYTES_PER_ELEMENT));
    planOf.set(this.#planOf.subarray(0, this.#count));
    return {
      shared: JSON.stringify([features, creditCurrencies ?? null]),
      plans: this.#plans.parts,
      customers: this.#customers.finish().parts,
      planOf,
    };
  }

  #planNumber({ plan, resources = [] }: CustomerInput): number {
    const plans = new Set(resources.map((resource) => resource.plan));
    plans.add(plan);
    plans.delete(undefined);
    if (plans.size > 1) return SEVERAL_PLANS;
    const [only] = plans;
    return only === undefined ? NO_PLAN : this.#plans.indexOf(only);
  }
}

/** What stringifying leaves out is left out here without a copy of what is kept. */
function withoutNames(customer: CustomerInput): object {
  const { resources } = customer;
  if (resources === undefined) return { ...customer, name: undefined };
  return { ...customer, name: undefined, resources: resources.map((resource) => ({ ...resource, name: undefined })) };
}
