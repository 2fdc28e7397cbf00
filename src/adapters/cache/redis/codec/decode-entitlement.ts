import type { CreditEntitlementInput, FeatureEntitlementInput } from "../../../../domain/build-customer-state.js";
import type { EntitlementReference } from "../../../../domain/entitlement.js";
import { type Feature, kindOfFeature } from "../../../../domain/feature.js";
import type { Usage } from "../../../../domain/usage/usage.js";
import { RESET_PERIODS } from "../../../../domain/usage/usage-period.js";
import {
  decodeCreditRate,
  decodeCurrency,
  decodeFeatureType,
  decodeMeterType,
  decodeReason,
  isUndecidable,
  isUndecidableCredit,
} from "../../../../wire/decode-entitlement.js";
import { FieldFault } from "../../../../wire/fault-log.js";
import type { Fields, ReportFault } from "../../../../wire/fields.js";
import { decodeResetPeriodConfiguration } from "../../../../wire/reset-period-configuration.js";

/** One entitlement of a stored state, of any client's make; its usage as it was when the state was written. */
export type StoredEntitlement =
  | { readonly type: "feature"; readonly input: FeatureEntitlementInput; readonly resourceId: string | undefined }
  | { readonly type: "credit"; readonly input: CreditEntitlementInput; readonly resourceId: string | undefined };

/**
 * @returns undefined where it is of a type that is not known here
 * @throws FieldFault where it cannot be read whose entitlement it is, or what decides
 */
export function decodeStoredEntitlement(strict: Fields, report: ReportFault): StoredEntitlement | undefined {
  const entitlement = strict.lenient(report);
  const calculated = entitlement.object("calculatedEntitlement");
  // Newer clients call it usageData, older ones featureUsage; who writes for both tells more in the older one.
  const usageFields = entitlement.optionalObject("featureUsage") ?? entitlement.optionalObject("usageData");
  const resourceId = calculated.optionalText("resourceId");
  switch (typeOf(calculated)) {
    case "FEATURE":
      return { type: "feature", input: decodeFeatureEntitlement(calculated, usageFields), resourceId };
    case "CREDIT":
      return { type: "credit", input: decodeCreditEntitlement(calculated, usageFields), resourceId };
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

function decodeFeatureEntitlement(calculated: Fields, usageFields: Fields | undefined): FeatureEntitlementInput {
  const input: Required<FeatureEntitlementInput> = {
    feature: decodeFeature(calculated),
    usageLimit: calculated.optionalNumber("usageLimit"),
    hasUnlimitedUsage: calculated.optionalFlag("hasUnlimitedUsage"),
    hasSoftLimit: calculated.optionalFlag("hasSoftLimit"),
    enumValues: calculated.optionalTexts("enumValues"),
    accessDeniedReason: decodeReason(calculated),
    validUntil: calculated.optionalTimestamp("validUntil"),
    creditRate: decodeCreditRate(calculated.optionalObject("creditRate")),
    resetPeriod:
      calculated.optionalChoice("resetPeriod", RESET_PERIODS) ??
      usageFields?.optionalChoice("resetPeriod", RESET_PERIODS),
    resetPeriodConfiguration:
      decodeResetPeriodConfiguration(calculated.optionalObject("resetPeriodConfiguration")) ??
      decodeResetPeriodConfiguration(usageFields?.optionalObject("resetPeriodConfiguration")),
    usage: decodeStoredUsage(calculated, usageFields),
  };
  // Its usage has a key of its own.
  if (isUndecidable(calculated, input, 0)) throw undecidable(input.feature.id);
  return input;
}

function decodeCreditEntitlement(calculated: Fields, usageFields: Fields | undefined): CreditEntitlementInput {
  const currency = decodeCurrency(calculated.object("currency"));
  const usageLimit = calculated.optionalNumber("usageLimit");
  const terms = { hasSoftLimit: calculated.optionalFlag("hasSoftLimit"), accessDeniedReason: decodeReason(calculated) };
  if (isUndecidableCredit(calculated, { ...terms, usageLimit }, 0)) throw undecidable(currency.currencyId);
  return {
    currency,
    usageLimit: usageLimit ?? 0,
    ...terms,
    validUntil: calculated.optionalTimestamp("validUntil"),
    usage: decodeStoredUsage(calculated, usageFields),
  };
}

function undecidable(id: string): FieldFault {
  return new FieldFault("calculatedEntitlement", "fields that can be decided on", {}, id);
}

function decodeFeature(calculated: Fields): Feature {
  const feature = calculated.object("feature");
  const meterType = decodeMeterType(feature);
  return {
    id: feature.text("id"),
    displayName: feature.optionalText("displayName"),
    featureType: decodeFeatureType(feature, calculated, meterType),
    meterType,
    units: nameOrNothing(feature.optionalText("units")),
    unitsPlural: nameOrNothing(feature.optionalText("unitsPlural")),
  };
}

/** Where nothing was reported, the older clients write an empty text. */
function nameOrNothing(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}

function decodeStoredUsage(calculated: Fields, usageFields: Fields | undefined): Usage {
  return {
    currentUsage: usageFields?.optionalNumber("currentUsage") ?? 0,
    periodAnchor:
      calculated.optionalTimestamp("usagePeriodAnchor") ?? usageFields?.optionalTimestamp("usagePeriodAnchor"),
    periodStart: usageFields?.optionalTimestamp("usagePeriodStart"),
    periodEnd: usageFields?.optionalTimestamp("usagePeriodEnd"),
  };
}
