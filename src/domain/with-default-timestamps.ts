import { buildCustomerState } from "./build-customer-state.js";
import { type CustomerState, isEmptyState } from "./customer-state.js";
import type { Usage } from "./usage/usage.js";

/**
 * The same state with a timestamp for everything that has none of its own, so that a late copy of it never takes the
 * place of something newer: the usages get the set's, and the set gets when its change was reported.
 *
 * @param at epoch milliseconds
 */
export function withDefaultTimestamps(state: CustomerState, at: number): CustomerState {
  if (isEmptyState(state)) return state;
  return withTimestampsOfUsages(state.updatedAt === undefined ? rebuilt(state, at) : state, state.updatedAt ?? at);
}

function withTimestampsOfUsages(state: CustomerState, at: number): CustomerState {
  const features = new Map<string, Usage>();
  const credits = new Map<string, Usage>();
  for (const { feature } of state.features()) {
    const usage = state.featureUsage(feature.id);
    if (usage.updatedAt === undefined) features.set(feature.id, { ...usage, updatedAt: at });
  }
  for (const { currency } of state.credits()) {
    const usage = state.creditUsage(currency.currencyId);
    if (usage.updatedAt === undefined) credits.set(currency.currencyId, { ...usage, updatedAt: at });
  }
  return features.size + credits.size === 0 ? state : state.withUsages({ features, credits });
}

function rebuilt(state: CustomerState, updatedAt: number): CustomerState {
  return buildCustomerState({
    features: Array.from(state.features(), (entitlement) => ({
      ...entitlement,
      usage: state.featureUsage(entitlement.feature.id),
    })),
    credits: Array.from(state.credits(), (entitlement) => ({
      ...entitlement,
      usage: state.creditUsage(entitlement.currency.currencyId),
    })),
    accessDeniedReason: state.accessDeniedReason,
    updatedAt,
    includesWallets: state.includesWallets,
    unknown: state.unknown,
  });
}
