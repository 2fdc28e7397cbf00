import type { CustomerState } from "./customer-state.js";
import type { EntitlementReference } from "./entitlement.js";
import { type Usage, usageAt } from "./usage/usage.js";
import type { ResetPeriod } from "./usage/usage-period.js";

/**
 * Whether a write is older than what is stored. Equal timestamps are not older (the last writer wins), and
 * a write without a timestamp of its own is never older.
 */
export function isOlder(incoming: number | undefined, stored: number | undefined): boolean {
  return incoming !== undefined && stored !== undefined && incoming < stored;
}

/**
 * What is known after `incoming` arrives where `stored` was known. The set of entitlements and each usage
 * are ordered on their own: a newer set can come with an older usage, and the other way round.
 */
export function newestState(stored: CustomerState | undefined, incoming: CustomerState): CustomerState {
  if (stored === undefined) return incoming;
  return isOlder(incoming.updatedAt, stored.updatedAt)
    ? withUsagesOf(incoming, stored, isNotOlder)
    : withUsagesOf(stored, incoming, isNewer);
}

/** `base` with every usage of `other` that wins over its own. */
function withUsagesOf(
  other: CustomerState,
  base: CustomerState,
  wins: (usage: Usage, over: Usage) => boolean,
): CustomerState {
  const features = new Map<string, Usage>();
  const credits = new Map<string, Usage>();
  for (const { feature } of base.features()) {
    if (other.feature(feature.id) === undefined) continue;
    const own = base.featureUsage(feature.id);
    const usage = other.featureUsage(feature.id);
    if (wins(usage, own)) features.set(feature.id, withAnchorOf(own, usage));
  }
  for (const { currency } of base.credits()) {
    if (other.credit(currency.currencyId) === undefined) continue;
    const usage = other.creditUsage(currency.currencyId);
    if (wins(usage, base.creditUsage(currency.currencyId))) credits.set(currency.currencyId, usage);
  }
  return features.size + credits.size === 0 ? base : base.withUsages({ features, credits });
}

/** The anchor came with the set of entitlements, so the newer set's counts, also where it is none. */
function withAnchorOf(own: Usage, usage: Usage): Usage {
  return own.periodAnchor === usage.periodAnchor ? usage : { ...usage, periodAnchor: own.periodAnchor };
}

function isNewer(usage: Usage, over: Usage): boolean {
  return isOlder(over.updatedAt, usage.updatedAt);
}

/** Of an older set, only a usage with a timestamp of its own can be the newest. */
function isNotOlder(usage: Usage, over: Usage): boolean {
  return isNewer(usage, over) || (usage.updatedAt !== undefined && usage.updatedAt === over.updatedAt);
}

/**
 * What is known after a usage arrives.
 *
 * @returns `state` itself when the usage is older than the stored one, or of an entitlement that it does not have
 */
export function newestUsage(state: CustomerState, of: EntitlementReference, incoming: Usage): CustomerState {
  if (of.type === "credit") {
    if (state.credit(of.id) === undefined) return state;
    const merged = mergeUsage(state.creditUsage(of.id), incoming, undefined);
    return merged === undefined ? state : state.withUsages({ credits: new Map([[of.id, merged]]) });
  }
  const entitlement = state.feature(of.id);
  if (entitlement === undefined) return state;
  const merged = mergeUsage(state.featureUsage(of.id), incoming, entitlement.resetPeriod);
  return merged === undefined ? state : state.withUsages({ features: new Map([[of.id, merged]]) });
}

/**
 * Changes of a usage carry no anchor, and some no period: what they leave out stays as it was, unless the
 * stored period was over by then.
 */
function mergeUsage(stored: Usage, incoming: Usage, reset: ResetPeriod | undefined): Usage | undefined {
  if (isOlder(incoming.updatedAt, stored.updatedAt)) return undefined;
  const before = incoming.updatedAt === undefined ? stored : usageAt(stored, reset, incoming.updatedAt);
  return {
    currentUsage: incoming.currentUsage,
    periodAnchor: incoming.periodAnchor ?? before.periodAnchor,
    periodStart: incoming.periodStart ?? before.periodStart,
    periodEnd: incoming.periodEnd ?? before.periodEnd,
    updatedAt: incoming.updatedAt ?? before.updatedAt,
  };
}
