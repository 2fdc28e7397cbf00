export type { AccessDeniedReason } from "../domain/decision/access-denied-reason.js";
export { ACCESS_DENIED_REASONS, parseAccessDeniedReason } from "../domain/decision/access-denied-reason.js";
export type { ChangeEffect } from "../domain/change.js";
export { applySubjectChange } from "../domain/change.js";
export type {
  CreditEntitlementInput,
  CustomerStateInput,
  FeatureEntitlementInput,
} from "../domain/build-customer-state.js";
export { buildCustomerState } from "../domain/build-customer-state.js";
export type { Change, SubjectChange } from "../domain/change.js";
export type { CustomerState } from "../domain/customer-state.js";
export { decideCredit, decideCreditWithoutState } from "../domain/decision/decide-credit.js";
export { decideFeature, decideFeatureWithoutState } from "../domain/decision/decide-feature.js";
export type { DecisionTrace, RuleName, RuleOutcome, RuleValues } from "../domain/decision/decision.js";
export type { CreditDecision, CreditQuery, FeatureDecision, FeatureQuery } from "../domain/decision/decision.js";
export type {
  CreditCurrency,
  CreditEntitlement,
  CreditRate,
  EntitlementReference,
  FeatureEntitlement,
} from "../domain/entitlement.js";
export type { ErrorCode } from "../domain/errors.js";
export { CodedError, ERROR_CODES } from "../domain/errors.js";
export type { ConfiguredFallbacks, FallbackValues } from "../domain/decision/fallback.js";
export { kindOfFallback, NO_CONFIGURED_FALLBACKS, resolveFallback } from "../domain/decision/fallback.js";
export type { Feature, FeatureKind, FeatureType, MeterType } from "../domain/feature.js";
export { kindOfFeature } from "../domain/feature.js";
export { isOlder, newestState, newestUsage } from "../domain/newest-wins.js";
export { creditQuery, featureQuery } from "../domain/decision/decision.js";
export type { Subject } from "../domain/subject.js";
export type { ResetPeriod, UsagePeriod } from "../domain/usage/usage-period.js";
export { usagePeriodAt } from "../domain/usage/usage-period.js";
export type { Usage } from "../domain/usage/usage.js";
export { usageAt } from "../domain/usage/usage.js";
