import type { AccessDeniedReason } from "../../domain/access-denied-reason.js";
import { AccessDeniedReason as WireReason } from "./gen/stigg/sidecar/v1/sidecar_pb.js";

const WIRE_REASONS: Readonly<Record<AccessDeniedReason, WireReason>> = {
  Unknown: WireReason.UNKNOWN,
  BudgetExceeded: WireReason.BUDGET_EXCEEDED,
  CustomerIsArchived: WireReason.CUSTOMER_IS_ARCHIVED,
  CustomerNotFound: WireReason.CUSTOMER_NOT_FOUND,
  CustomerResourceNotFound: WireReason.CUSTOMER_RESOURCE_NOT_FOUND,
  EntitlementNotFound: WireReason.ENTITLEMENT_NOT_FOUND,
  FeatureNotFound: WireReason.FEATURE_NOT_FOUND,
  FeatureTypeMismatch: WireReason.FEATURE_TYPE_MISMATCH,
  InsufficientCredits: WireReason.INSUFFICIENT_CREDITS,
  NoActiveSubscription: WireReason.NO_ACTIVE_SUBSCRIPTION,
  NoFeatureEntitlementInSubscription: WireReason.NO_FEATURE_ENTITLEMENT_IN_SUBSCRIPTION,
  RequestedUsageExceedingLimit: WireReason.REQUESTED_USAGE_EXCEEDING_LIMIT,
  RequestedValuesMismatch: WireReason.REQUESTED_VALUES_MISMATCH,
  Revoked: WireReason.REVOKED,
};

export function encodeReason(reason: AccessDeniedReason): WireReason;
export function encodeReason(reason: AccessDeniedReason | undefined): WireReason | undefined;
export function encodeReason(reason: AccessDeniedReason | undefined): WireReason | undefined {
  return reason === undefined ? undefined : WIRE_REASONS[reason];
}
