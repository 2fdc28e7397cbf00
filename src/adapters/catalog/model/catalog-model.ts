import type { CreditCurrency, CreditRate } from "../../../domain/entitlement.js";
import type { Feature, FeatureKind } from "../../../domain/feature.js";
import type { Subject } from "../../../domain/subject.js";
import type { ResetPeriod } from "../../../domain/usage/usage-period.js";
import type { GrantCategory, ResetAnchor } from "../file/catalog-input.js";
import type { RecordTableParts } from "./record-table.js";

/** A catalog in which every name has been resolved: nothing in it can refer to what is not there. */
export interface CatalogModel {
  readonly features: ReadonlyMap<string, FeatureDefinition>;
  readonly currencies: ReadonlyMap<string, CreditCurrency>;
  readonly plans: Lookup<PlanDefinition>;
  readonly customers: Lookup<CustomerDefinition> & { indexOf(id: string): number };
  /** The features that an event is counted for, by event name. */
  readonly metersByEvent: ReadonlyMap<string, readonly MeterDefinition[]>;
  /** What it was made from. */
  readonly packed: PackedCatalog;
}

/** Definitions by id. A map is one. */
export interface Lookup<T> {
  readonly size: number;
  get(id: string): T | undefined;
  keys(): Iterable<string>;
}

/** What plans and customers of a catalog may name. */
export type CatalogNames = Pick<CatalogModel, "features" | "currencies" | "plans">;

export interface FeatureDefinition {
  readonly feature: Feature;
  readonly kind: FeatureKind;
  readonly description: string | undefined;
  /** Of an enum feature: all that entitlements may name; undefined: anything. */
  readonly values: readonly string[] | undefined;
}

export interface MeterDefinition {
  readonly featureId: string;
  /** The dimension to add up; undefined: each event is one unit. */
  readonly sumOver: string | undefined;
  readonly where: ReadonlyMap<string, string | number | boolean>;
}

/** What a plan or an override says of one feature. */
export interface EntitlementTerms {
  readonly definition: FeatureDefinition;
  readonly usageLimit: number | undefined;
  readonly hasUnlimitedUsage: boolean;
  readonly hasSoftLimit: boolean;
  readonly enumValues: readonly string[];
  readonly creditRate: CreditRate | undefined;
  readonly resetPeriod: ResetPeriod | undefined;
  readonly resetAnchor: ResetAnchor;
  readonly isRevoked: boolean;
}

export interface OverrideTerms {
  /** Undefined: not entitled, whatever the plan gives. */
  readonly terms: EntitlementTerms | undefined;
  /** Epoch milliseconds, from when on the plan's terms count again. */
  readonly validUntil: number | undefined;
}

export interface IncludedCredits {
  readonly currencyId: string;
  readonly amount: number;
  readonly priority: number | undefined;
  readonly resetPeriod: ResetPeriod | undefined;
  readonly resetAnchor: ResetAnchor;
  readonly hasSoftLimit: boolean;
}

export interface CreditGrant {
  /** Under which the ledger remembers what was drawn from it. */
  readonly key: string;
  readonly currencyId: string;
  readonly amount: number;
  readonly priority: number | undefined;
  readonly category: GrantCategory;
  readonly effectiveAt: number | undefined;
  readonly expiresAt: number | undefined;
  readonly createdAt: number | undefined;
  readonly hasSoftLimit: boolean;
}

export interface PlanDefinition {
  readonly id: string;
  readonly entitlements: ReadonlyMap<string, EntitlementTerms>;
  readonly includedCredits: ReadonlyMap<string, IncludedCredits>;
}

/** What one subject has: a customer, or a resource of a customer. All timestamps are epoch milliseconds. */
export interface SubjectDefinition {
  readonly subject: Subject;
  readonly plan: PlanDefinition | undefined;
  readonly startedAt: number | undefined;
  readonly validUntil: number | undefined;
  /** From where periods are counted that begin with the subscription; undefined: calendar periods. */
  readonly anchor: number | undefined;
  readonly overrides: ReadonlyMap<string, OverrideTerms>;
  readonly grants: ReadonlyMap<string, readonly CreditGrant[]>;
  readonly initialUsage: ReadonlyMap<string, number>;
  readonly initialCreditsUsed: ReadonlyMap<string, number>;
}

export interface CustomerDefinition extends SubjectDefinition {
  readonly isArchived: boolean;
  readonly resources: ReadonlyMap<string, SubjectDefinition>;
}

/** A customer's own definition and those of its resources. */
export function* subjectsOf(customer: CustomerDefinition): Iterable<SubjectDefinition> {
  yield customer;
  yield* customer.resources.values();
}

/** In `planOf`: a customer without a plan, and one whose resources have others than it. */
export const NO_PLAN = -1;
export const SEVERAL_PLANS = -2;

/** A catalog that was checked, in a few pieces of memory that threads share. Names for people are left out. */
export interface PackedCatalog {
  /** Features and currencies as JSON: what all plans and customers rest on. */
  readonly shared: string;
  readonly plans: RecordTableParts;
  readonly customers: RecordTableParts;
  /** By customer: the number of the one plan that it and its resources have, or NO_PLAN, or SEVERAL_PLANS. */
  readonly planOf: Int32Array;
}
