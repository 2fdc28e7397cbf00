import { createHash } from "node:crypto";
import type { Answer, CallContext } from "../../../application/answer.js";
import type { CheckEntitlement } from "../../../application/check/check-entitlement.js";
import type { EntitlementsList, ListEntitlements } from "../../../application/check/list-entitlements.js";
import { fallbackDecision, type FeatureDecision, type FeatureQuery } from "../../../domain/decision/decision.js";
import { DENY_FALLBACK, kindOfFallback } from "../../../domain/decision/fallback.js";
import type { FeatureKind } from "../../../domain/feature.js";
import { isIdTooLong } from "../../../domain/subject.js";
import type { AnswerSource } from "../../../ports/telemetry.js";
import { TEXT_ENCODERS } from "../gen/answers/text-encoders.js";
import type { AnswerOrigin } from "../protocols/answer-headers.js";
import type { CountDecision } from "../service/check-calls.js";
import { quoted } from "../service/request-reader.js";
import {
  type ContextBounds,
  type EvaluationContext,
  OfrepFault,
  readEvaluationContext,
  type ValueForm,
} from "./evaluation-context.js";

/** A success response. */
export interface OfrepAnswer {
  readonly text: string;
  readonly origin: AnswerOrigin;
  /** Of a list that clients poll. */
  readonly etag?: string | undefined;
}

interface OfrepOptions extends ContextBounds {
  readonly count: CountDecision;
  /** Whether there is a feature of this id, where all of them are known. */
  readonly isKnownFeature?: ((featureId: string) => boolean) | undefined;
}

type Outcome = OfrepAnswer | OfrepFault;

const NOTHING_KNOWN = new OfrepFault(
  "GENERAL",
  "nothing is known of this customer, and upstream cannot be asked: the default of the caller applies, or what ENTITLEMENTS_FALLBACK says",
);

/** What OFREP's endpoints do, whatever the protocol below. Cached customers are answered at once, not by a promise. */
export class OfrepCalls {
  readonly #check: Pick<CheckEntitlement, "feature">;
  readonly #list: ListEntitlements;
  readonly #options: OfrepOptions;

  constructor(check: Pick<CheckEntitlement, "feature">, list: ListEntitlements, options: OfrepOptions) {
    this.#check = check;
    this.#list = list;
    this.#options = options;
  }

  /** One feature. */
  evaluate(featureId: string, body: Buffer, call: CallContext): Outcome | Promise<Outcome> {
    const context = readEvaluationContext(body, this.#options);
    if (context instanceof OfrepFault) return context;
    const { maxIdBytes } = this.#options;
    if (isIdTooLong(featureId, maxIdBytes))
      return new OfrepFault(
        "FLAG_NOT_FOUND",
        `the key is longer than ${maxIdBytes} bytes (MAX_ID_BYTES): send a shorter id`,
      );
    const query = queryOf(featureId, context);
    const answer = this.#check.feature(context.customerId, context.resourceId, query, call);
    return answer instanceof Promise
      ? answer.then((settled) => this.#evaluated(settled, query, context))
      : this.#evaluated(answer, query, context);
  }

  /** Every feature that the customer has. */
  evaluateAll(body: Buffer, call: CallContext): Outcome | Promise<Outcome> {
    const context = readEvaluationContext(body, this.#options);
    if (context instanceof OfrepFault) return context;
    const { customerId, resourceId } = context;
    const answer = this.#list.listFeatures({ customerId, resourceId }, call);
    return answer instanceof Promise
      ? answer.then((settled) => this.#evaluatedAll(settled, context))
      : this.#evaluatedAll(answer, context);
  }

  #evaluated(
    { result, source, assumed, decisionId }: Answer<FeatureDecision>,
    query: FeatureQuery,
    { valueAs }: EvaluationContext,
  ): Outcome {
    const { entitlement, fallback, accessDeniedReason } = result;
    this.#options.count(result);
    // The caller has a default of its own, and knows what it means.
    if (fallback === DENY_FALLBACK) return NOTHING_KNOWN;
    const isMissing = entitlement === undefined && fallback === undefined;
    if (
      isMissing &&
      (accessDeniedReason === "FeatureNotFound" || this.#options.isKnownFeature?.(query.featureId) === false)
    ) {
      return new OfrepFault("FLAG_NOT_FOUND", `there is no feature ${quoted(query.featureId)}: send the id of one`);
    }
    return { text: evaluationText(result, query, valueAs, source), origin: { source, assumed, decisionId } };
  }

  #evaluatedAll({ result, source }: Answer<EntitlementsList>, context: EvaluationContext): Outcome {
    const { features, fallbacks } = result;
    if (fallbacks?.size === 0) return NOTHING_KNOWN;
    const listed = fallbacks === undefined ? features : [];
    const flags = listed.map((decision) => this.#flag(decision, decision.entitlement?.feature.id ?? "", context));
    for (const [featureId, fallback] of fallbacks ?? []) {
      flags.push(this.#flag(fallbackDecision(fallback, "Unknown"), featureId, context));
    }
    const text = `{"flags":[${flags.join(",")}]}`;
    return { text, origin: { source, decisionId: undefined }, etag: etagOf(text) };
  }

  #flag(decision: FeatureDecision, featureId: string, context: EvaluationContext): string {
    return evaluationText(decision, queryOf(featureId, context), context.valueAs, undefined);
  }
}

export function etagOf(text: string): string {
  return `"${createHash("sha1").update(text).digest("base64url")}"`;
}

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

function queryOf(featureId: string, { requestedUsage, requestedValues }: EvaluationContext): FeatureQuery {
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
function evaluationText(
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
