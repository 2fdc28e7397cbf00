import { create } from "@bufbuild/protobuf";
import type { EntitlementsList } from "../../application/list-entitlements.js";
import { encodeCredit } from "./encode-credit.js";
import { encodeV2 } from "./encode-decision.js";
import { encodeEntitlement } from "./encode-entitlement.js";
import { encodeFallback } from "./encode-fallback.js";
import { encodeReason } from "./encode-reason.js";
import {
  EntitlementSchema,
  GetEntitlementsResponseSchema,
  GetEntitlementsStateV2ResponseSchema,
  type Entitlement,
  type EntitlementV2,
  type GetEntitlementsResponse,
  type GetEntitlementsStateV2Response,
} from "./gen/stigg/sidecar/v1/sidecar_pb.js";

const NOTHING_REQUESTED = {};

/**
 * The first-generation list: features alone, and of each what it is and not whether it grants, since the
 * message has no place for that.
 */
export function encodeList(list: EntitlementsList): GetEntitlementsResponse {
  const entitlements: Entitlement[] = [];
  for (const { entitlement, usage } of list.features) {
    if (entitlement === undefined) continue;
    entitlements.push(create(EntitlementSchema, { entitlement: encodeEntitlement(entitlement, usage) }));
  }
  for (const [featureId, values] of list.fallbacks ?? []) {
    entitlements.push(create(EntitlementSchema, { entitlement: encodeFallback(featureId, values, NOTHING_REQUESTED) }));
  }
  return create(GetEntitlementsResponseSchema, {
    entitlements,
    accessDeniedReason: encodeReason(list.accessDeniedReason),
  });
}

/** The second-generation list: features and wallets, each with its own decision. */
export function encodeListV2(list: EntitlementsList): GetEntitlementsStateV2Response {
  const entitlements: EntitlementV2[] = [];
  for (const decision of list.features) {
    const { entitlement, usage } = decision;
    entitlements.push(encodeV2(decision, entitlement && encodeEntitlement(entitlement, usage)));
  }
  for (const decision of list.credits) {
    const credit = encodeCredit(decision);
    entitlements.push(encodeV2(decision, credit && { case: "credit", value: credit }));
  }
  for (const [featureId, fallback] of list.fallbacks ?? []) {
    const { hasAccess } = fallback;
    entitlements.push(
      encodeV2({ hasAccess, accessDeniedReason: "Unknown", fallback }, encodeFallback(featureId, fallback, NOTHING_REQUESTED)),
    );
  }
  return create(GetEntitlementsStateV2ResponseSchema, {
    entitlements,
    accessDeniedReason: encodeReason(list.accessDeniedReason),
  });
}
