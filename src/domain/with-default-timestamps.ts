import { buildCustomerState } from "./build-customer-state.js";
import type { Change } from "./change.js";
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

/** Further ahead no clock is that anybody works by, milliseconds. */
export const MAX_AHEAD_MS = 86_400_000;

/** Whether a timestamp of upstream's is one that cannot be: by newest wins nothing would ever replace what carries it. */
export function isFarAhead(timestamp: number | undefined, now: number): boolean {
  return timestamp !== undefined && timestamp > now + MAX_AHEAD_MS;
}

/** The same usage, without a timestamp that is more than a day ahead. @param now epoch milliseconds */
export function usageWithPossibleTimestamp(usage: Usage, now: number): Usage {
  return isFarAhead(usage.updatedAt, now) ? { ...usage, updatedAt: undefined } : usage;
}

/**
 * The same state without timestamps that are more than a day ahead: what orders nothing is replaced by what comes next.
 *
 * @param now epoch milliseconds
 */
export function withPossibleTimestamps(state: CustomerState, now: number): CustomerState {
  const features = new Map<string, Usage>();
  const credits = new Map<string, Usage>();
  for (const { feature } of state.features()) {
    const usage = state.featureUsage(feature.id);
    if (isFarAhead(usage.updatedAt, now)) features.set(feature.id, usageWithPossibleTimestamp(usage, now));
  }
  for (const { currency } of state.credits()) {
    const usage = state.creditUsage(currency.currencyId);
    if (isFarAhead(usage.updatedAt, now)) credits.set(currency.currencyId, usageWithPossibleTimestamp(usage, now));
  }
  const possible = features.size + credits.size === 0 ? state : state.withUsages({ features, credits });
  return isFarAhead(state.updatedAt, now) ? rebuilt(possible, undefined) : possible;
}

/** The same change, likewise. @param now epoch milliseconds */
export function changeWithPossibleTimestamps<C extends Change>(change: C, now: number): C {
  if (change.type === "entitlements-updated") {
    const state = withPossibleTimestamps(change.state, now);
    return state === change.state ? change : { ...change, state };
  }
  if (change.type !== "usage-updated") return change;
  const usage = usageWithPossibleTimestamp(change.usage, now);
  return usage === change.usage ? change : { ...change, usage };
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

function rebuilt(state: CustomerState, updatedAt: number | undefined): CustomerState {
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
