import { create } from "@bufbuild/protobuf";
import { kindOfFallback, type FallbackHints, type FallbackValues } from "../../domain/fallback.js";
import type { EncodedEntitlement } from "./encode-entitlement.js";
import { encodeUnknownFeature } from "./encode-feature.js";
import {
  BooleanEntitlementSchema,
  EnumEntitlementSchema,
  MeteredEntitlementSchema,
  NumericEntitlementSchema,
  type BooleanEntitlement,
  type EnumEntitlement,
  type MeteredEntitlement,
  type NumericEntitlement,
} from "./gen/stigg/sidecar/v1/sidecar_pb.js";
import { toInt32 } from "./int32.js";

/** What stands in for an entitlement where the caller named no kind. */
export function encodeFallback(featureId: string, values: FallbackValues, hints: FallbackHints): EncodedEntitlement {
  switch (kindOfFallback(values, hints)) {
    case "boolean":
      return { case: "boolean", value: encodeBooleanFallback(featureId) };
    case "numeric":
      return { case: "numeric", value: encodeNumericFallback(featureId, values) };
    case "metered":
      return { case: "metered", value: encodeMeteredFallback(featureId, values) };
    case "enum":
      return { case: "enum", value: encodeEnumFallback(featureId, values) };
  }
}

export function encodeBooleanFallback(featureId: string): BooleanEntitlement {
  return create(BooleanEntitlementSchema, { feature: encodeUnknownFeature(featureId) });
}

export function encodeNumericFallback(featureId: string, values: FallbackValues): NumericEntitlement {
  return create(NumericEntitlementSchema, {
    feature: encodeUnknownFeature(featureId),
    value: toInt32(values.value),
    isUnlimited: values.isUnlimited ?? false,
  });
}

export function encodeMeteredFallback(featureId: string, values: FallbackValues): MeteredEntitlement {
  return create(MeteredEntitlementSchema, {
    feature: encodeUnknownFeature(featureId),
    usageLimit: values.usageLimit,
    isUnlimited: values.isUnlimited ?? false,
    currentUsage: 0,
    hasSoftLimit: false,
  });
}

export function encodeEnumFallback(featureId: string, values: FallbackValues): EnumEntitlement {
  return create(EnumEntitlementSchema, {
    feature: encodeUnknownFeature(featureId),
    enumValues: [...(values.enumValues ?? [])],
  });
}
