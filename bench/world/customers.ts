/** The customers that are asked for: 20 entitlements each, by one of 100 plans, and usage of their own. */

export const PLAN_COUNT = 100;
export const FEATURE_COUNT = 20;

export type FeatureKind = "boolean" | "metered" | "numeric" | "enum";

export const BOOLEAN_FEATURES: readonly number[] = range(0, 8);
export const METERED_FEATURES: readonly number[] = range(8, 16);
export const ALL_FEATURES: readonly number[] = range(0, FEATURE_COUNT);

const CUSTOMER_DIGITS = 7;
const FEATURE_DIGITS = 2;
/** Every tenth customer has used more than its plan grants. */
const OVER_THE_LIMIT = 10;

export function customerIdOf(customer: number): string {
  return `customer-${String(customer).padStart(CUSTOMER_DIGITS, "0")}`;
}

export function featureIdOf(feature: number): string {
  return `feature-${String(feature).padStart(FEATURE_DIGITS, "0")}`;
}

/** The number in an id; undefined for an id of another make. */
export function customerOf(customerId: string): number | undefined {
  const digits = /^customer-(\d{7})$/.exec(customerId)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** The number in a feature's id; 0 for an id of another make. */
export function featureOf(featureId: string): number {
  return Number(/^feature-(\d{2})$/.exec(featureId)?.[1] ?? 0);
}

export function planOf(customer: number): number {
  return customer % PLAN_COUNT;
}

export function kindOf(feature: number): FeatureKind {
  if (feature < 8) return "boolean";
  if (feature < 16) return "metered";
  return feature < 18 ? "numeric" : "enum";
}

export function limitOf(plan: number, feature: number): number {
  return 1_000 * (1 + plan) + feature;
}

/** @param version counts up with every event; the decision stays the same */
export function usageOf(customer: number, feature: number, version = 0): number {
  const base = isOverTheLimit(customer) ? limitOf(planOf(customer), feature) + 1 : customer % 500;
  return base + (version % 400);
}

export function hasAccess(customer: number, feature: number): boolean {
  return kindOf(feature) !== "metered" || !isOverTheLimit(customer);
}

function isOverTheLimit(customer: number): boolean {
  // Not of the same plans each time: the plan is the remainder by 100.
  return Math.floor(customer / PLAN_COUNT) % OVER_THE_LIMIT === OVER_THE_LIMIT - 1;
}

function range(from: number, to: number): readonly number[] {
  return Array.from({ length: to - from }, (_, index) => from + index);
}
