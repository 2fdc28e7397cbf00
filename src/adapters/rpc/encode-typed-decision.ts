import { create } from "@bufbuild/protobuf";
import type { FeatureDecision, FeatureQuery } from "../../domain/decision.js";
import { encodeBoolean, encodeEnum, encodeMetered, encodeNumeric } from "./encode-entitlement.js";
import {
  encodeBooleanFallback,
  encodeEnumFallback,
  encodeMeteredFallback,
  encodeNumericFallback,
} from "./encode-fallback.js";
import { encodeReason } from "./encode-reason.js";
import {
  GetBooleanEntitlementResponseSchema,
  GetEnumEntitlementResponseSchema,
  GetMeteredEntitlementResponseSchema,
  GetNumericEntitlementResponseSchema,
  type GetBooleanEntitlementResponse,
  type GetEnumEntitlementResponse,
  type GetMeteredEntitlementResponse,
  type GetNumericEntitlementResponse,
} from "./gen/stigg/sidecar/v1/sidecar_pb.js";

/** What published clients have in the fallback of a metered check that requested nothing. */
const DEFAULT_FALLBACK_REQUEST = 1;

/** Answers to checks of one kind. An entitlement in the decision is of that kind, another is answered by the fallback. */
export function encodeBooleanDecision(decision: FeatureDecision, query: FeatureQuery): GetBooleanEntitlementResponse {
  const { entitlement, fallback } = decision;
  return create(GetBooleanEntitlementResponseSchema, {
    hasAccess: decision.hasAccess,
    isFallback: fallback !== undefined,
    accessDeniedReason: encodeReason(decision.accessDeniedReason),
    entitlement: fallback ? encodeBooleanFallback(query.featureId) : entitlement && encodeBoolean(entitlement),
  });
}

export function encodeNumericDecision(decision: FeatureDecision, query: FeatureQuery): GetNumericEntitlementResponse {
  const { entitlement, fallback } = decision;
  return create(GetNumericEntitlementResponseSchema, {
    hasAccess: decision.hasAccess,
    isFallback: fallback !== undefined,
    accessDeniedReason: encodeReason(decision.accessDeniedReason),
    entitlement: fallback ? encodeNumericFallback(query.featureId, fallback) : entitlement && encodeNumeric(entitlement),
  });
}

export function encodeMeteredDecision(decision: FeatureDecision, query: FeatureQuery): GetMeteredEntitlementResponse {
  const { entitlement, usage, fallback } = decision;
  return create(GetMeteredEntitlementResponseSchema, {
    hasAccess: decision.hasAccess,
    isFallback: fallback !== undefined,
    accessDeniedReason: encodeReason(decision.accessDeniedReason),
    requestedUsage: query.requestedUsage ?? (fallback === undefined ? 0 : DEFAULT_FALLBACK_REQUEST),
    entitlement: fallback
      ? encodeMeteredFallback(query.featureId, fallback)
      : entitlement && encodeMetered(entitlement, usage),
  });
}

export function encodeEnumDecision(decision: FeatureDecision, query: FeatureQuery): GetEnumEntitlementResponse {
  const { entitlement, fallback } = decision;
  return create(GetEnumEntitlementResponseSchema, {
    hasAccess: decision.hasAccess,
    isFallback: fallback !== undefined,
    accessDeniedReason: encodeReason(decision.accessDeniedReason),
    requestedValues: [...query.requestedValues],
    entitlement: fallback ? encodeEnumFallback(query.featureId, fallback) : entitlement && encodeEnum(entitlement),
  });
}
