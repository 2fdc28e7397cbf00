import type { CustomerState } from "../../../../domain/customer-state.js";
import type { CreditEntitlement, FeatureEntitlement } from "../../../../domain/entitlement.js";
import type { Feature } from "../../../../domain/feature.js";
import type { Subject } from "../../../../domain/subject.js";
import type { Usage } from "../../../../domain/usage/usage.js";
import { encodeResetPeriodConfiguration } from "../../../../wire/reset-period-configuration.js";

/**
 * A feature as every published client reads it. The older ones take resets and the anchor from featureUsage, and
 * read a usage there of every feature, metered or not; the newer ones take resets from calculatedEntitlement.
 */
export function encodeFeatureEntitlement(
  subject: Subject,
  state: CustomerState,
  entitlement: FeatureEntitlement,
): object {
  const usage = state.featureUsage(entitlement.feature.id);
  const { feature, terms } = encodeFeatureTerms(entitlement);
  return {
    calculatedEntitlement: {
      type: "FEATURE",
      feature,
      resourceId: subject.resourceId,
      ...terms,
      usagePeriodAnchor: usage.periodAnchor,
    },
    featureUsage: {
      ...encodeReset(entitlement),
      ...encodeUsageFields(usage),
      usagePeriodAnchor: usage.periodAnchor,
    },
    usageData: entitlement.kind === "metered" ? encodeUsageFields(usage) : undefined,
  };
}

/** A value for each of these fields, and for others: one that is forgotten does not compile. */
type Encoded<Fields extends string> = Readonly<Record<Fields, unknown>> & Readonly<Record<string, unknown>>;

/** What customers of one plan share of a feature. */
export function encodeFeatureTerms(entitlement: FeatureEntitlement): {
  readonly feature: Encoded<keyof Feature>;
  readonly terms: Encoded<Exclude<keyof FeatureEntitlement, "feature" | "kind">>;
} {
  const { feature, creditRate } = entitlement;
  return {
    feature: {
      id: feature.id,
      displayName: feature.displayName,
      featureType: feature.featureType,
      meterType: feature.meterType,
      units: feature.units ?? "",
      unitsPlural: feature.unitsPlural ?? "",
    },
    terms: {
      usageLimit: entitlement.usageLimit ?? null,
      hasUnlimitedUsage: entitlement.hasUnlimitedUsage,
      hasSoftLimit: entitlement.hasSoftLimit,
      accessDeniedReason: entitlement.accessDeniedReason,
      enumValues: entitlement.enumValues,
      validUntil: entitlement.validUntil,
      creditRate:
        creditRate === undefined ? undefined : { amount: creditRate.amount, currencyId: creditRate.currencyId },
      ...encodeReset(entitlement),
    },
  };
}

export function encodeReset({
  resetPeriod,
  resetPeriodConfiguration,
}: FeatureEntitlement): Encoded<"resetPeriod" | "resetPeriodConfiguration"> {
  return {
    resetPeriod: resetPeriod ?? null,
    resetPeriodConfiguration: encodeResetPeriodConfiguration(resetPeriod, resetPeriodConfiguration),
  };
}

/** A wallet; the older clients know none, and take it for an entitlement to no feature. */
export function encodeCreditEntitlement(
  subject: Subject,
  state: CustomerState,
  entitlement: CreditEntitlement,
): object {
  const { currency } = entitlement;
  const usage = state.creditUsage(currency.currencyId);
  return {
    calculatedEntitlement: {
      type: "CREDIT",
      currency: {
        currencyId: currency.currencyId,
        displayName: currency.displayName,
        description: currency.description,
        unitSingular: currency.unitSingular,
        unitPlural: currency.unitPlural,
        additionalMetaData: currency.additionalMetaData,
      },
      resourceId: subject.resourceId,
      usageLimit: entitlement.usageLimit,
      hasSoftLimit: entitlement.hasSoftLimit,
      accessDeniedReason: entitlement.accessDeniedReason,
      validUntil: entitlement.validUntil,
      usagePeriodAnchor: usage.periodAnchor,
    },
    usageData: encodeUsageFields(usage),
  };
}

export function encodeUsageFields({ currentUsage, periodStart, periodEnd }: Usage): object {
  return { currentUsage, usagePeriodStart: periodStart, usagePeriodEnd: periodEnd };
}

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
