import type { FeatureDecision, FeatureQuery } from "../../../domain/decision/decision.js";
import { kindOfFallback } from "../../../domain/decision/fallback.js";
import type { FeatureKind } from "../../../domain/feature.js";
import type { AnswerSource } from "../../../ports/telemetry.js";
import { TEXT_ENCODERS } from "../gen/answers/text-encoders.js";
import type { EvaluationContext, ValueForm } from "./evaluation-context.js";

/** JSON has no infinite number: the largest integer that all clients can hold. */
const UNLIMITED = Number.MAX_SAFE_INTEGER;
/** What an answer of GetEntitlementV2 begins with, before the entitlement itself. */
const WRAPPED = '{"entitlement":';

const FORMS: Readonly<Record<FeatureKind, ValueForm>> = {
  boolean: "boolean",
  metered: "boolean",
  numeric: "number",
  enum: "string",
};

export function queryOf(featureId: string, { requestedUsage, requestedValues }: EvaluationContext): FeatureQuery {
  return {
    featureId,
    kind: undefined,
    requestedUsage,
    requestedValues,
    fallback: undefined,
    fallbackWhenUnknown: false,
  };
}

/**
 * A decision as OFREP's success response, as JSON.
 *
 * @param source undefined where many evaluations have one source
 */
export function evaluationText(
  decision: FeatureDecision,
  query: FeatureQuery,
  valueAs: ValueForm | undefined,
  source: AnswerSource | undefined,
): string {
  const form = valueAs ?? FORMS[kindOf(decision, query)];
  const variant = !decision.hasAccess ? "denied" : form === "number" && isUnlimited(decision) ? "unlimited" : "granted";
  const reason = decision.fallback === undefined ? "TARGETING_MATCH" : "DEFAULT";
  const metadata = JSON.stringify(metadataOf(decision, query, source));
  return `{"key":${JSON.stringify(query.featureId)},"value":${valueText(decision, query, form)},"reason":"${reason}","variant":"${variant}","metadata":${metadata}}`;
}

/** Of an entitlement that the customer does not have, nothing says which kind it would be: it is asked about as a switch. */
function kindOf({ entitlement, fallback }: FeatureDecision, query: FeatureQuery): FeatureKind {
  if (entitlement !== undefined) return entitlement.kind;
  return fallback === undefined ? "boolean" : kindOfFallback(fallback, query);
}

/** Who is denied gets nothing in any form. */
function valueText(decision: FeatureDecision, query: FeatureQuery, form: ValueForm): string {
  const { hasAccess, entitlement, fallback } = decision;
  switch (form) {
    case "boolean":
      return String(hasAccess);
    case "number":
      if (!hasAccess) return "0";
      return String(
        isUnlimited(decision)
          ? UNLIMITED
          : ((entitlement === undefined ? (fallback?.value ?? fallback?.usageLimit) : entitlement.usageLimit) ?? 0),
      );
    case "string":
      return hasAccess ? JSON.stringify((entitlement?.enumValues ?? fallback?.enumValues ?? []).join(",")) : '""';
    case "object":
      return TEXT_ENCODERS.featureV2(decision, query).slice(WRAPPED.length, -1);
  }
}

function isUnlimited({ entitlement, fallback }: FeatureDecision): boolean {
  return entitlement === undefined ? fallback?.isUnlimited === true : entitlement.hasUnlimitedUsage;
}

/** What clients take as a flag's metadata is flat: texts, numbers and switches. */
function metadataOf(
  decision: FeatureDecision,
  query: FeatureQuery,
  source: AnswerSource | undefined,
): Readonly<Record<string, boolean | number | string | undefined>> {
  const { entitlement, usage, accessDeniedReason } = decision;
  const isMetered = entitlement?.kind === "metered";
  return {
    kind: kindOf(decision, query),
    hasAccess: decision.hasAccess,
    isFallback: decision.fallback !== undefined,
    accessDeniedReason,
    isUnlimited: isUnlimited(decision) ? true : undefined,
    currentUsage: isMetered ? (usage?.currentUsage ?? 0) : undefined,
    usageLimit: isMetered ? entitlement.usageLimit : undefined,
    hasSoftLimit: isMetered && entitlement.hasSoftLimit ? true : undefined,
    nextResetDate: usage?.periodEnd === undefined ? undefined : dateText(usage.periodEnd),
    source,
  };
}

/** @param epochMs epoch milliseconds; some lie beyond what a date can be */
function dateText(epochMs: number): string | undefined {
  const date = new Date(epochMs);
  return Number.isNaN(date.valueOf()) ? undefined : date.toISOString();
}
