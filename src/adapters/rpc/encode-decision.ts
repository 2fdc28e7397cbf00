import { create } from "@bufbuild/protobuf";
import type { CreditDecision, CreditQuery, FeatureDecision, FeatureQuery } from "../../domain/decision.js";
import { encodeCredit, encodeCreditFallback } from "./encode-credit.js";
import { encodeEntitlement, type EncodedEntitlement } from "./encode-entitlement.js";
import { encodeFallback } from "./encode-fallback.js";
import { encodeReason } from "./encode-reason.js";
import {
  EntitlementV2Schema,
  GetEntitlementResponseSchema,
  GetEntitlementV2ResponseSchema,
  type CreditEntitlement,
  type EntitlementV2,
  type GetEntitlementResponse,
  type GetEntitlementV2Response,
} from "./gen/stigg/sidecar/v1/sidecar_pb.js";

type EncodedEntitlementV2 = EncodedEntitlement | { readonly case: "credit"; readonly value: CreditEntitlement };

/** The first-generation answer to a check of any kind. It tells the reason of a fallback even where that grants. */
export function encodeFeatureDecision(decision: FeatureDecision, query: FeatureQuery): GetEntitlementResponse {
  return create(GetEntitlementResponseSchema, {
    hasAccess: decision.hasAccess,
    isFallback: decision.fallback !== undefined,
    accessDeniedReason: encodeReason(decision.accessDeniedReason),
    entitlement: entitlementOf(decision, query),
  });
}

export function encodeFeatureDecisionV2(decision: FeatureDecision, query: FeatureQuery): GetEntitlementV2Response {
  return create(GetEntitlementV2ResponseSchema, { entitlement: encodeV2(decision, entitlementOf(decision, query)) });
}

export function encodeCreditDecisionV2(decision: CreditDecision, query: CreditQuery): GetEntitlementV2Response {
  const credit = decision.fallback ? encodeCreditFallback(query.currencyId, decision.fallback) : encodeCredit(decision);
  return create(GetEntitlementV2ResponseSchema, {
    entitlement: encodeV2(decision, credit && { case: "credit", value: credit }),
  });
}

/** A decision in the second generation, where what is granted has no reason to be denied: not even a fallback. */
export function encodeV2(
  decision: Pick<FeatureDecision, "hasAccess" | "accessDeniedReason" | "fallback">,
  entitlement: EncodedEntitlementV2 | undefined,
): EntitlementV2 {
  return create(EntitlementV2Schema, {
    hasAccess: decision.hasAccess,
    isFallback: decision.fallback !== undefined,
    accessDeniedReason: decision.hasAccess ? undefined : encodeReason(decision.accessDeniedReason),
    entitlement,
  });
}

function entitlementOf(
  { entitlement, usage, fallback }: FeatureDecision,
  query: FeatureQuery,
): EncodedEntitlement | undefined {
  if (fallback !== undefined) return encodeFallback(query.featureId, fallback, query);
  return entitlement && encodeEntitlement(entitlement, usage);
}
