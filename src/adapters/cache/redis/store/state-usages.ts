import type { CustomerState } from "../../../../domain/customer-state.js";
import type { EntitlementReference } from "../../../../domain/entitlement.js";
import type { Usage } from "../../../../domain/usage/usage.js";

/** What a state keeps usages of beside itself. */
export function* usagesOfState(state: CustomerState): Iterable<EntitlementReference> {
  for (const { feature, kind } of state.features()) if (kind === "metered") yield { type: "feature", id: feature.id };
  for (const { currency } of state.credits()) yield { type: "credit", id: currency.currencyId };
}

export function usageIn(state: CustomerState, { type, id }: EntitlementReference): Usage {
  return type === "feature" ? state.featureUsage(id) : state.creditUsage(id);
}
