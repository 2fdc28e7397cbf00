import type { CreditEntitlementInput, FeatureEntitlementInput } from "../../../domain/build-customer-state.js";
import type { EntitlementReference } from "../../../domain/change.js";
import { kindOfFeature, type Feature } from "../../../domain/feature.js";
import type { Usage } from "../../../domain/usage.js";
import {
  decodeCreditRate,
  decodeCurrency,
  decodeReason,
  FEATURE_TYPES,
  METER_TYPES,
  RESET_PERIODS,
} from "../../../wire/decode-entitlement.js";
import type { Fields } from "../../../wire/fields.js";
import { decodeResetPeriodConfiguration } from "../../../wire/reset-period-configuration.js";

/** One entitlement of a stored state, of any client's make; its usage as it was when the state was written. */
export type StoredEntitlement =
  | { readonly type: "feature"; readonly input: FeatureEntitlementInput; readonly resourceId: string | undefined }
  | { readonly type: "credit"; readonly input: CreditEntitlementInput; readonly resourceId: string | undefined };

/**
 * @returns undefined where it is of a type that is not known here
 * @throws FieldFault that names the member which is not what it has to be
 */
export function decodeStoredEntitlement(entitlement: Fields): StoredEntitlement | undefined {
  const calculated = entitlement.object("calculatedEntitlement");
  // Newer clients call it usageData, older ones featureUsage; who writes for both tells more in the older one.
  const told = entitlement.optionalObject("featureUsage") ?? entitlement.optionalObject("usageData");
  const resourceId = calculated.optionalText("resourceId");
  switch (typeOf(calculated)) {
    case "FEATURE":
      return { type: "feature", input: decodeFeatureEntitlement(calculated, told), resourceId };
    case "CREDIT":
      return { type: "credit", input: decodeCreditEntitlement(calculated, told), resourceId };
    default:
      return undefined;
  }
}

/** Older clients know nothing but features, and say no type. */
function typeOf(calculated: Fields): string {
  const type = calculated.optionalText("type");
  if (type !== undefined) return type;
  return calculated.raw("feature") === undefined && calculated.raw("currency") !== undefined ? "CREDIT" : "FEATURE";
}

/** What an entitlement keeps its usage under, beside the state; nothing where there is no such key. */
export function usageReferenceOf(entitlement: StoredEntitlement): EntitlementReference | undefined {
  if (entitlement.type === "credit") return { type: "credit", id: entitlement.input.currency.currencyId };
  const { feature } = entitlement.input;
  return kindOfFeature(feature) === "metered" ? { type: "feature", id: feature.id } : undefined;
}

function decodeFeatureEntitlement(calculated: Fields, told: Fields | undefined): FeatureEntitlementInput {
  return {
    feature: decodeFeature(calculated.object("feature")),
    usageLimit: calculated.optionalNumber("usageLimit"),
    hasUnlimitedUsage: calculated.optionalFlag("hasUnlimitedUsage"),
    hasSoftLimit: calculated.optionalFlag("hasSoftLimit"),
    enumValues: calculated.optionalTexts("enumValues"),
    accessDeniedReason: decodeReason(calculated),
    validUntil: calculated.optionalMoment("validUntil"),
    creditRate: decodeCreditRate(calculated.optionalObject("creditRate")),
    resetPeriod: calculated.optionalChoice("resetPeriod", RESET_PERIODS) ?? told?.optionalChoice("resetPeriod", RESET_PERIODS),
    resetPeriodConfiguration:
      decodeResetPeriodConfiguration(calculated.optionalObject("resetPeriodConfiguration")) ??
      decodeResetPeriodConfiguration(told?.optionalObject("resetPeriodConfiguration")),
    usage: decodeUsageTold(calculated, told),
  };
}

function decodeCreditEntitlement(calculated: Fields, told: Fields | undefined): CreditEntitlementInput {
  return {
    currency: decodeCurrency(calculated.object("currency")),
    usageLimit: calculated.optionalNumber("usageLimit") ?? 0,
    hasSoftLimit: calculated.optionalFlag("hasSoftLimit"),
    accessDeniedReason: decodeReason(calculated),
    validUntil: calculated.optionalMoment("validUntil"),
    usage: decodeUsageTold(calculated, told),
  };
}

function decodeFeature(feature: Fields): Feature {
  return {
    id: feature.text("id"),
    displayName: feature.optionalText("displayName"),
    featureType: feature.choice("featureType", FEATURE_TYPES),
    meterType: feature.optionalChoice("meterType", METER_TYPES),
    units: nameOrNothing(feature.optionalText("units")),
    unitsPlural: nameOrNothing(feature.optionalText("unitsPlural")),
  };
}

/** Where nothing was told, the older clients write an empty text. */
function nameOrNothing(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}

function decodeUsageTold(calculated: Fields, told: Fields | undefined): Usage {
  return {
    currentUsage: told?.optionalNumber("currentUsage") ?? 0,
    periodAnchor: calculated.optionalMoment("usagePeriodAnchor") ?? told?.optionalMoment("usagePeriodAnchor"),
    periodStart: told?.optionalMoment("usagePeriodStart"),
    periodEnd: told?.optionalMoment("usagePeriodEnd"),
  };
}
