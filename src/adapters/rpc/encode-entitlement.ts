import { create } from "@bufbuild/protobuf";
import type { FeatureEntitlement } from "../../domain/entitlement.js";
import type { ResetPeriod } from "../../domain/usage-period.js";
import { NO_USAGE, type Usage } from "../../domain/usage.js";
import { encodeFeature } from "./encode-feature.js";
import {
  BooleanEntitlementSchema,
  EntitlementResetPeriod,
  EnumEntitlementSchema,
  MeteredEntitlementSchema,
  NumericEntitlementSchema,
  type BooleanEntitlement,
  type Entitlement,
  type EnumEntitlement,
  type MeteredEntitlement,
  type NumericEntitlement,
} from "./gen/stigg/sidecar/v1/sidecar_pb.js";
import { toInt32 } from "./int32.js";
import { encodeMoment } from "./moment.js";

/** An entitlement of one of the four kinds, as every answer that is not of one kind alone has it. */
export type EncodedEntitlement = Exclude<Entitlement["entitlement"], { case: undefined }>;

const WIRE_RESET_PERIODS: Readonly<Record<ResetPeriod, EntitlementResetPeriod>> = {
  YEAR: EntitlementResetPeriod.YEAR,
  MONTH: EntitlementResetPeriod.MONTH,
  WEEK: EntitlementResetPeriod.WEEK,
  DAY: EntitlementResetPeriod.DAY,
  HOUR: EntitlementResetPeriod.HOUR,
};

export function encodeEntitlement(entitlement: FeatureEntitlement, usage: Usage | undefined): EncodedEntitlement {
  switch (entitlement.kind) {
    case "boolean":
      return { case: "boolean", value: encodeBoolean(entitlement) };
    case "numeric":
      return { case: "numeric", value: encodeNumeric(entitlement) };
    case "metered":
      return { case: "metered", value: encodeMetered(entitlement, usage) };
    case "enum":
      return { case: "enum", value: encodeEnum(entitlement) };
  }
}

export function encodeBoolean({ feature }: FeatureEntitlement): BooleanEntitlement {
  return create(BooleanEntitlementSchema, { feature: encodeFeature(feature) });
}

export function encodeNumeric(entitlement: FeatureEntitlement): NumericEntitlement {
  return create(NumericEntitlementSchema, {
    feature: encodeFeature(entitlement.feature),
    value: toInt32(entitlement.usageLimit),
    isUnlimited: entitlement.hasUnlimitedUsage,
  });
}

/** @param usage in the period of the check */
export function encodeMetered(entitlement: FeatureEntitlement, usage: Usage = NO_USAGE): MeteredEntitlement {
  const periodEnd = encodeMoment(usage.periodEnd);
  return create(MeteredEntitlementSchema, {
    feature: encodeFeature(entitlement.feature),
    usageLimit: entitlement.usageLimit,
    isUnlimited: entitlement.hasUnlimitedUsage,
    currentUsage: usage.currentUsage,
    resetPeriod: entitlement.resetPeriod === undefined ? undefined : encodeResetPeriod(entitlement.resetPeriod),
    nextResetDate: periodEnd,
    usagePeriodAnchor: encodeMoment(usage.periodAnchor),
    usagePeriodStart: encodeMoment(usage.periodStart),
    usagePeriodEnd: periodEnd,
    hasSoftLimit: entitlement.hasSoftLimit,
  });
}

export function encodeEnum(entitlement: FeatureEntitlement): EnumEntitlement {
  return create(EnumEntitlementSchema, {
    feature: encodeFeature(entitlement.feature),
    enumValues: [...entitlement.enumValues],
  });
}

export function encodeResetPeriod(reset: ResetPeriod): EntitlementResetPeriod {
  return WIRE_RESET_PERIODS[reset];
}
