import type { AccessDeniedReason } from "../../../domain/decision/access-denied-reason.js";
import type { FeatureType, MeterType } from "../../../domain/feature.js";
import type { ResetPeriod } from "../../../domain/usage/usage-period.js";
import {
  AccessDeniedReason as WireReason,
  EntitlementResetPeriod,
  FeatureType as WireFeatureType,
  MeterType as WireMeterType,
} from "../gen/stigg/sidecar/v1/sidecar_pb.js";

/** The domain's closed lists as the enums of the wire. */
export const WIRE_REASONS: Readonly<Record<AccessDeniedReason, WireReason>> = {
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

export const WIRE_RESET_PERIODS: Readonly<Record<ResetPeriod, EntitlementResetPeriod>> = {
  YEAR: EntitlementResetPeriod.YEAR,
  MONTH: EntitlementResetPeriod.MONTH,
  WEEK: EntitlementResetPeriod.WEEK,
  DAY: EntitlementResetPeriod.DAY,
  HOUR: EntitlementResetPeriod.HOUR,
};

export const WIRE_FEATURE_TYPES: Readonly<Record<FeatureType, WireFeatureType>> = {
  BOOLEAN: WireFeatureType.BOOLEAN,
  NUMBER: WireFeatureType.NUMBER,
  ENUM: WireFeatureType.ENUM,
};

export const WIRE_METER_TYPES: Readonly<Record<MeterType, WireMeterType>> = {
  None: WireMeterType.NONE,
  Fluctuating: WireMeterType.FLUCTUATING,
  Incremental: WireMeterType.INCREMENTAL,
};

const MAX_INT32 = 2 ** 31 - 1;
const MIN_INT32 = -(2 ** 31);

/**
 * The integer that stands for a number where the wire has no room for it: without its fraction (2.9 is 2,
 * so that no more is promised than is granted), and at the nearest end beyond 32 bits, where an overflow
 * would turn a large value into a negative one. Absent for what is not a number.
 */
export function toInt32(value: number | undefined): number | undefined {
  if (value === undefined || Number.isNaN(value)) return undefined;
  return Math.min(MAX_INT32, Math.max(MIN_INT32, Math.trunc(value))) | 0;
}
