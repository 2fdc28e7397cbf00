import type { EntitlementsList } from "../../../application/list-entitlements.js";
import type { AccessDeniedReason } from "../../../domain/access-denied-reason.js";
import type { CreditDecision, FeatureDecision, FeatureQuery } from "../../../domain/decision.js";
import type { FeatureKind } from "../../../domain/feature.js";
import { encodeReason } from "../encode-reason.js";
import { AccessDeniedReasonSchema } from "../gen/stigg/sidecar/v1/sidecar_pb.js";
import { creditJson, entitlementJson, numberJson } from "./json-entitlement.js";

/** Where the entitlement stands: under its kind in messages that may hold any of them. */
type EntitlementField = FeatureKind | "credit" | "entitlement";

/**
 * All of these make the message to what is no fallback, each field as encode-*.ts encodes it. What grants has no
 * reason then, which the second generation would leave out.
 */
export function featureDecisionJson(decision: FeatureDecision): object {
  return outcome(decision, kindOf(decision), entitlementOf(decision));
}

export function featureDecisionV2Json(decision: FeatureDecision): object {
  return { entitlement: featureDecisionJson(decision) };
}

export function creditDecisionV2Json(decision: CreditDecision): object {
  return { entitlement: creditEntryJson(decision) };
}

export function booleanOrNumericDecisionJson(decision: FeatureDecision): object {
  return outcome(decision, "entitlement", entitlementOf(decision));
}

export function meteredDecisionJson(decision: FeatureDecision, { requestedUsage = 0 }: FeatureQuery): object {
  return {
    hasAccess: decision.hasAccess,
    isFallback: false,
    accessDeniedReason: reasonJson(decision.accessDeniedReason),
    requestedUsage: numberJson(requestedUsage),
    entitlement: entitlementOf(decision),
  };
}

export function enumDecisionJson(decision: FeatureDecision, { requestedValues }: FeatureQuery): object {
  return {
    hasAccess: decision.hasAccess,
    isFallback: false,
    accessDeniedReason: reasonJson(decision.accessDeniedReason),
    requestedValues,
    entitlement: entitlementOf(decision),
  };
}

export function listJson({ features, accessDeniedReason }: EntitlementsList): object {
  const known = features.filter(({ entitlement }) => entitlement !== undefined);
  return {
    entitlements: known.map((decision) => ({ [kindOf(decision)]: entitlementOf(decision) })),
    accessDeniedReason: reasonJson(accessDeniedReason),
  };
}

export function listV2Json({ features, credits, accessDeniedReason }: EntitlementsList): object {
  return {
    entitlements: [...features.map(featureDecisionJson), ...credits.map(creditEntryJson)],
    accessDeniedReason: reasonJson(accessDeniedReason),
  };
}

function creditEntryJson(decision: CreditDecision): object {
  return outcome(decision, "credit", decision.entitlement && creditJson(decision.entitlement, decision));
}

/** Written out wherever it is not all: copying an object with a spread takes eight times as long. */
function outcome(
  { hasAccess, accessDeniedReason }: FeatureDecision | CreditDecision,
  field: EntitlementField,
  entitlement: object | undefined,
): object {
  return { hasAccess, isFallback: false, accessDeniedReason: reasonJson(accessDeniedReason), [field]: entitlement };
}

/** Any field will do for an entitlement that there is not: JSON leaves it out. */
function kindOf({ entitlement }: FeatureDecision): EntitlementField {
  return entitlement === undefined ? "entitlement" : entitlement.kind;
}

function entitlementOf({ entitlement, usage }: FeatureDecision): object | undefined {
  return entitlement && entitlementJson(entitlement, usage);
}

function reasonJson(reason: AccessDeniedReason | undefined): string | undefined {
  return reason && AccessDeniedReasonSchema.value[encodeReason(reason)].name;
}
