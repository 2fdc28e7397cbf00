import type { FeatureEntitlement } from "../../../../domain/entitlement.js";
import type { Subject } from "../../../../domain/subject.js";
import type { Usage } from "../../../../domain/usage/usage.js";
import { encodeFeatureTerms, encodeReset } from "./encode-entitlement.js";

/** What customers of one plan share of a feature's text. */
interface SharedTexts {
  readonly feature: string;
  readonly terms: string;
  readonly reset: string;
}

const shared = new WeakMap<FeatureEntitlement, SharedTexts>();

/** What `encodeFeatureEntitlement` makes, as text: of an entitlement that many customers share, most of it is made once. */
export function featureText({ resourceId }: Subject, entitlement: FeatureEntitlement, usage: Usage): string {
  const { feature, terms, reset } = textsOf(entitlement);
  const resource = resourceId === undefined ? "" : `"resourceId":${JSON.stringify(resourceId)},`;
  const anchor = memberText("usagePeriodAnchor", usage.periodAnchor);
  const used = usageText(usage);
  const data = entitlement.kind === "metered" ? `,"usageData":{${used}}` : "";
  return `{"calculatedEntitlement":{"type":"FEATURE","feature":${feature},${resource}${terms}${anchor}},"featureUsage":{${reset},${used}${anchor}}${data}}`;
}

/** The members of a usage. */
export function usageText({ currentUsage, periodStart, periodEnd }: Usage): string {
  return `"currentUsage":${numberText(currentUsage)}${memberText("usagePeriodStart", periodStart)}${memberText("usagePeriodEnd", periodEnd)}`;
}

/** As JSON has them. */
export function numberText(value: number): string {
  return Number.isFinite(value) ? String(value) : "null";
}

function memberText(name: string, value: number | undefined): string {
  return value === undefined ? "" : `,"${name}":${numberText(value)}`;
}

function textsOf(entitlement: FeatureEntitlement): SharedTexts {
  let texts = shared.get(entitlement);
  if (texts === undefined) {
    const { feature, terms } = encodeFeatureTerms(entitlement);
    texts = {
      feature: JSON.stringify(feature),
      terms: JSON.stringify(terms).slice(1, -1),
      reset: JSON.stringify(encodeReset(entitlement)).slice(1, -1),
    };
    shared.set(entitlement, texts);
  }
  return texts;
}
