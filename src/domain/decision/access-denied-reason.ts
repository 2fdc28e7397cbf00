/**
 * Why a check was denied, in the upstream's spelling. The set is closed: what an upstream says
 * beyond it reads as `Unknown`, so that a reason invented tomorrow never breaks a check today.
 */
export const ACCESS_DENIED_REASONS = [
  "Unknown",
  "BudgetExceeded",
  "CustomerIsArchived",
  "CustomerNotFound",
  "CustomerResourceNotFound",
  "EntitlementNotFound",
  "FeatureNotFound",
  "FeatureTypeMismatch",
  "InsufficientCredits",
  "NoActiveSubscription",
  "NoFeatureEntitlementInSubscription",
  "RequestedUsageExceedingLimit",
  "RequestedValuesMismatch",
  "Revoked",
] as const;

export type AccessDeniedReason = (typeof ACCESS_DENIED_REASONS)[number];

const KNOWN_REASONS: ReadonlySet<string> = new Set(ACCESS_DENIED_REASONS);

/** Reads a reason as an upstream or a shared cache spells it; null, undefined and "" mean "not denied". */
export function parseAccessDeniedReason(text: string | null | undefined): AccessDeniedReason | undefined {
  if (text === null || text === undefined || text === "") return undefined;
  return KNOWN_REASONS.has(text) ? (text as AccessDeniedReason) : "Unknown";
}

/** Whether a state with this reason belongs to a customer or resource that upstream does not know. */
export function saysEntityIsMissing(reason: AccessDeniedReason | undefined): boolean {
  return reason === "CustomerNotFound" || reason === "CustomerResourceNotFound";
}
