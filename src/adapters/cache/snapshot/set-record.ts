import {
  buildCustomerState,
  type CreditEntitlementInput,
  type FeatureEntitlementInput,
} from "../../../domain/build-customer-state.js";
import type { CustomerState } from "../../../domain/customer-state.js";
import { parseAccessDeniedReason } from "../../../domain/decision/access-denied-reason.js";
import type { EntitlementReference } from "../../../domain/entitlement.js";
import type { EntitlementSet } from "../memory/entitlement-set.js";

/** What customers of one plan share, as JSON. */
interface SetRecord {
  readonly reason: string | null;
  readonly includesWallets: boolean;
  readonly unknown: readonly EntitlementReference[];
  readonly features: readonly (FeatureEntitlementInput & { readonly isCounted: boolean })[];
  readonly credits: readonly CreditEntitlementInput[];
}

export function recordOf(set: EntitlementSet): SetRecord {
  const { schema } = set;
  return {
    reason: schema.accessDeniedReason ?? null,
    includesWallets: schema.includesWallets,
    unknown: schema.unknown,
    features: schema.features.map((terms, place) => ({
      ...set.feature(place),
      feature: terms.entitlement.feature,
      isCounted: terms.isCounted,
    })),
    credits: schema.credits.map((terms, place) => terms.with(set.creditLimit(place), undefined)),
  };
}

/** A state that shares that set: of what it has a place for, something was used. */
export function stateOfRecord({ reason, includesWallets, unknown, features, credits }: SetRecord): CustomerState {
  return buildCustomerState({
    accessDeniedReason: parseAccessDeniedReason(reason),
    includesWallets,
    unknown,
    features: features.map(({ isCounted, ...feature }) => ({ ...feature, usage: isCounted ? SOME_USAGE : undefined })),
    credits,
  });
}

const SOME_USAGE = { currentUsage: 1 };
