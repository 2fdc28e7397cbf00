import { parseAccessDeniedReason, type AccessDeniedReason } from "../domain/access-denied-reason.js";
import type { CreditEntitlementInput, FeatureEntitlementInput } from "../domain/build-customer-state.js";
import type { CreditCurrency, JsonValue } from "../domain/credit-currency.js";
import type { CreditRate } from "../domain/entitlement.js";
import type { Feature } from "../domain/feature.js";
import type { Usage } from "../domain/usage.js";
import { FieldFault } from "./field-fault.js";
import { Fields, isObject } from "./fields.js";
import { decodeResetPeriodConfiguration } from "./reset-period-configuration.js";

/** One entitlement together with the moment from which its set is known. */
export type DecodedEntitlement =
  | { readonly kind: "feature"; readonly input: FeatureEntitlementInput; readonly updatedAt: number | undefined }
  | { readonly kind: "credit"; readonly input: CreditEntitlementInput; readonly updatedAt: number | undefined };

export const FEATURE_TYPES = ["BOOLEAN", "NUMBER", "ENUM"] as const;
export const METER_TYPES = ["None", "Fluctuating", "Incremental"] as const;
export const RESET_PERIODS = ["YEAR", "MONTH", "WEEK", "DAY", "HOUR"] as const;

/** Upstream's names of the kinds; `Entitlement` is what older answers call a feature entitlement. */
const KIND_OF_TYPENAME: ReadonlyMap<string, DecodedEntitlement["kind"]> = new Map([
  ["FeatureEntitlement", "feature"],
  ["Entitlement", "feature"],
  ["CreditEntitlement", "credit"],
]);

/** @throws FieldFault that names the field which is not what it has to be */
export function decodeEntitlement(value: unknown): DecodedEntitlement {
  const fields = Fields.of(value, "");
  const updatedAt = fields.optionalMoment("entitlementUpdatedAt");
  return kindOf(fields) === "credit"
    ? { kind: "credit", input: decodeCreditEntitlement(fields), updatedAt }
    : { kind: "feature", input: decodeFeatureEntitlement(fields), updatedAt };
}

function kindOf(fields: Fields): DecodedEntitlement["kind"] {
  const typename = fields.optionalText("__typename");
  if (typename === undefined) return fields.raw("feature") === undefined && fields.raw("currency") !== undefined ? "credit" : "feature";
  const kind = KIND_OF_TYPENAME.get(typename);
  if (kind === undefined) throw new FieldFault("__typename", `one of ${[...KIND_OF_TYPENAME.keys()].join(", ")}`, typename);
  return kind;
}

function decodeFeatureEntitlement(fields: Fields): FeatureEntitlementInput {
  return {
    feature: decodeFeature(fields.object("feature")),
    usageLimit: fields.optionalNumber("usageLimit"),
    hasUnlimitedUsage: fields.optionalFlag("hasUnlimitedUsage"),
    hasSoftLimit: fields.optionalFlag("hasSoftLimit"),
    enumValues: fields.optionalTexts("enumValues"),
    accessDeniedReason: decodeReason(fields),
    validUntil: fields.optionalMoment("validUntil"),
    creditRate: decodeCreditRate(fields.optionalObject("creditRate")),
    resetPeriod: fields.optionalChoice("resetPeriod", RESET_PERIODS),
    resetPeriodConfiguration: decodeResetPeriodConfiguration(fields.optionalObject("resetPeriodConfiguration")),
    usage: decodeUsageOf(fields),
  };
}

function decodeCreditEntitlement(fields: Fields): CreditEntitlementInput {
  return {
    currency: decodeCurrency(fields.object("currency")),
    usageLimit: fields.optionalNumber("usageLimit") ?? 0,
    hasSoftLimit: fields.optionalFlag("hasSoftLimit"),
    accessDeniedReason: decodeReason(fields),
    validUntil: fields.optionalMoment("validUntil"),
    usage: decodeUsageOf(fields),
  };
}

/** The reason of an entitlement or of a whole state; upstream's `isGranted` says no more than that there is none. */
export function decodeReason(fields: Fields): AccessDeniedReason | undefined {
  return parseAccessDeniedReason(fields.optionalText("accessDeniedReason"));
}

function decodeFeature(fields: Fields): Feature {
  return {
    id: fields.text("refId"),
    displayName: fields.optionalText("displayName"),
    featureType: fields.choice("featureType", FEATURE_TYPES),
    meterType: fields.optionalChoice("meterType", METER_TYPES),
    units: fields.optionalText("featureUnits"),
    unitsPlural: fields.optionalText("featureUnitsPlural"),
  };
}

export function decodeCurrency(fields: Fields): CreditCurrency {
  const currencyId = fields.text("currencyId");
  return {
    currencyId,
    displayName: fields.optionalText("displayName") ?? currencyId,
    description: fields.optionalText("description"),
    unitSingular: fields.optionalText("unitSingular"),
    unitPlural: fields.optionalText("unitPlural"),
    additionalMetaData: decodeMetaData(fields.raw("additionalMetaData")),
  };
}

function decodeMetaData(value: unknown): CreditCurrency["additionalMetaData"] {
  if (value === undefined) return undefined;
  if (!isObject(value)) throw new FieldFault("currency.additionalMetaData", "an object", value);
  return value as Readonly<Record<string, JsonValue>>;
}

export function decodeCreditRate(fields: Fields | undefined): CreditRate | undefined {
  return fields === undefined ? undefined : { amount: fields.number("amount"), currencyId: fields.text("currencyId") };
}

function decodeUsageOf(fields: Fields): Usage {
  return {
    currentUsage: fields.optionalNumber("currentUsage") ?? 0,
    periodAnchor: fields.optionalMoment("usagePeriodAnchor"),
    periodStart: fields.optionalMoment("usagePeriodStart"),
    periodEnd: fields.optionalMoment("usagePeriodEnd"),
    updatedAt: fields.optionalMoment("usageUpdatedAt"),
  };
}
