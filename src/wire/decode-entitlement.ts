import type { CreditEntitlementInput, FeatureEntitlementInput } from "../domain/build-customer-state.js";
import { type AccessDeniedReason, parseAccessDeniedReason } from "../domain/decision/access-denied-reason.js";
import type { CreditCurrency, CreditRate, EntitlementReference, JsonValue } from "../domain/entitlement.js";
import {
  type Feature,
  FEATURE_TYPES,
  type FeatureType,
  kindOfFeature,
  METER_TYPES,
  type MeterType,
} from "../domain/feature.js";
import type { Usage } from "../domain/usage/usage.js";
import { RESET_PERIODS } from "../domain/usage/usage-period.js";
import { Fields, isObject, type ReportFault } from "./fields.js";
import { decodeResetPeriodConfiguration } from "./reset-period-configuration.js";

/** One entitlement together with the timestamp from which its set is known. */
export type DecodedEntitlement =
  | { readonly kind: "feature"; readonly input: FeatureEntitlementInput; readonly updatedAt: number | undefined }
  | { readonly kind: "credit"; readonly input: CreditEntitlementInput; readonly updatedAt: number | undefined }
  /** It is there, and cannot be decided on: a field that decides cannot be read. */
  | { readonly kind: "unknown"; readonly entitlement: EntitlementReference; readonly updatedAt: number | undefined }
  /** Of a kind that is neither a feature nor a wallet: nobody can ask for it here. */
  | { readonly kind: "other" };

/** Upstream's names of the kinds; `Entitlement` is what older answers call a feature entitlement. */
const KIND_OF_TYPENAME: ReadonlyMap<string, "feature" | "credit"> = new Map([
  ["FeatureEntitlement", "feature"],
  ["Entitlement", "feature"],
  ["CreditEntitlement", "credit"],
]);

/**
 * Upstream's lists are open: a field whose value is not known costs that field. Only where it decides (a limit, what is
 * used of it, a reason that is no text) is the entitlement unknown.
 *
 * @param report called for each field that cannot be read
 * @throws FieldFault where it cannot be read whose entitlement it is
 */
export function decodeEntitlement(value: unknown, report: ReportFault): DecodedEntitlement {
  const strict = Fields.of(value, "");
  const kind = kindOf(strict.lenient(report));
  if (kind === undefined) return { kind: "other" };
  return kind === "feature" ? decodeFeatureEntitlement(strict, report) : decodeCreditEntitlement(strict, report);
}

/** By its name where that is known, else by what it is about. */
function kindOf(fields: Fields): "feature" | "credit" | undefined {
  const isAboutFeature = fields.raw("feature") !== undefined;
  const isAboutCredit = fields.raw("currency") !== undefined;
  const typename = fields.optionalText("__typename");
  const named = KIND_OF_TYPENAME.get(typename ?? "");
  if (named !== undefined) return named;
  if (typename !== undefined) fields.costs("__typename", `one of ${[...KIND_OF_TYPENAME.keys()].join(", ")}`);
  if (isAboutFeature) return "feature";
  if (isAboutCredit) return "credit";
  return typename === undefined ? "feature" : undefined;
}

function decodeFeatureEntitlement(strict: Fields, report: ReportFault): DecodedEntitlement {
  const id = strict.object("feature").text("refId");
  const fields = strict.lenient(report, id);
  const input: Omit<Required<FeatureEntitlementInput>, "usage"> = {
    feature: decodeFeature(fields),
    usageLimit: fields.optionalNumber("usageLimit"),
    hasUnlimitedUsage: fields.optionalFlag("hasUnlimitedUsage"),
    hasSoftLimit: fields.optionalFlag("hasSoftLimit"),
    enumValues: fields.optionalTexts("enumValues"),
    accessDeniedReason: decodeReason(fields),
    validUntil: fields.optionalTimestamp("validUntil"),
    creditRate: decodeCreditRate(fields.optionalObject("creditRate")),
    resetPeriod: fields.optionalChoice("resetPeriod", RESET_PERIODS),
    resetPeriodConfiguration: decodeResetPeriodConfiguration(fields.optionalObject("resetPeriodConfiguration")),
  };
  const currentUsage = fields.optionalNumber("currentUsage");
  const updatedAt = fields.optionalTimestamp("entitlementUpdatedAt");
  if (isUndecidable(fields, input, currentUsage))
    return { kind: "unknown", entitlement: { type: "feature", id }, updatedAt };
  return { kind: "feature", input: { ...input, usage: decodeUsageOf(fields, currentUsage) }, updatedAt };
}

/** Whether a field that decides cannot be read. What is denied is decided. */
export function isUndecidable(
  fields: Fields,
  input: FeatureEntitlementInput,
  currentUsage: number | undefined,
): boolean {
  const { feature, accessDeniedReason, hasUnlimitedUsage, hasSoftLimit, usageLimit, enumValues } = input;
  if (accessDeniedReason !== undefined) return false;
  if (isReasonUnreadable(fields)) return true;
  switch (kindOfFeature(feature)) {
    case "boolean":
      return false;
    case "enum":
      return fields.isUnreadable("enumValues", enumValues);
    case "numeric":
      return (
        fields.isUnreadable("usageLimit", usageLimit) || fields.isUnreadable("hasUnlimitedUsage", hasUnlimitedUsage)
      );
    case "metered":
      if (hasUnlimitedUsage === true || hasSoftLimit === true) return false;
      return (
        fields.isUnreadable("hasUnlimitedUsage", hasUnlimitedUsage) ||
        fields.isUnreadable("hasSoftLimit", hasSoftLimit) ||
        fields.isUnreadable("usageLimit", usageLimit) ||
        fields.isUnreadable("currentUsage", currentUsage)
      );
  }
}

function decodeCreditEntitlement(strict: Fields, report: ReportFault): DecodedEntitlement {
  const id = strict.object("currency").text("currencyId");
  const fields = strict.lenient(report, id);
  const usageLimit = fields.optionalNumber("usageLimit");
  const hasSoftLimit = fields.optionalFlag("hasSoftLimit");
  const accessDeniedReason = decodeReason(fields);
  const currentUsage = fields.optionalNumber("currentUsage");
  const updatedAt = fields.optionalTimestamp("entitlementUpdatedAt");
  const isUnknown = isUndecidableCredit(fields, { accessDeniedReason, hasSoftLimit, usageLimit }, currentUsage);
  if (isUnknown) return { kind: "unknown", entitlement: { type: "credit", id }, updatedAt };
  return {
    kind: "credit",
    input: {
      currency: decodeCurrency(fields.object("currency")),
      usageLimit: usageLimit ?? 0,
      hasSoftLimit,
      accessDeniedReason,
      validUntil: fields.optionalTimestamp("validUntil"),
      usage: decodeUsageOf(fields, currentUsage),
    },
    updatedAt,
  };
}

type CreditTerm = "accessDeniedReason" | "hasSoftLimit" | "usageLimit";

/** Undefined: upstream did not say. */
type DecodedCreditTerms = { readonly [Term in CreditTerm]: CreditEntitlementInput[Term] | undefined };

/** The same of a wallet. */
export function isUndecidableCredit(
  fields: Fields,
  { accessDeniedReason, hasSoftLimit, usageLimit }: DecodedCreditTerms,
  currentUsage: number | undefined,
): boolean {
  if (accessDeniedReason !== undefined) return false;
  if (isReasonUnreadable(fields)) return true;
  if (hasSoftLimit === true) return false;
  return (
    fields.isUnreadable("usageLimit", usageLimit) ||
    fields.isUnreadable("hasSoftLimit", hasSoftLimit) ||
    fields.isUnreadable("currentUsage", currentUsage)
  );
}

/** The reason of an entitlement or of a state; upstream's `isGranted` says no more than that there is none. */
export function decodeReason(fields: Fields): AccessDeniedReason | undefined {
  return parseAccessDeniedReason(fields.optionalText("accessDeniedReason"));
}

/** A text that is not known is a reason all the same; what is no text may be anything. */
function isReasonUnreadable(fields: Fields): boolean {
  const reason = fields.raw("accessDeniedReason");
  return reason !== undefined && typeof reason !== "string";
}

function decodeFeature(entitlement: Fields): Feature {
  const fields = entitlement.object("feature");
  const meterType = decodeMeterType(fields);
  return {
    id: fields.text("refId"),
    displayName: fields.optionalText("displayName"),
    featureType: decodeFeatureType(fields, entitlement, meterType),
    meterType,
    units: fields.optionalText("featureUnits"),
    unitsPlural: fields.optionalText("featureUnitsPlural"),
  };
}

/** A meter of a kind that is not known still is one: usage is counted against the limit. */
export function decodeMeterType(feature: Fields): MeterType | undefined {
  const meterType = feature.optionalChoice("meterType", METER_TYPES);
  return feature.isUnreadable("meterType", meterType) ? "Fluctuating" : meterType;
}

/** Where the type is not known, what else the entitlement has shows how it is to be checked. */
export function decodeFeatureType(feature: Fields, entitlement: Fields, meterType: MeterType | undefined): FeatureType {
  const featureType = feature.optionalChoice("featureType", FEATURE_TYPES);
  if (featureType !== undefined) return featureType;
  if (feature.raw("featureType") === undefined) feature.costs("featureType", `one of ${FEATURE_TYPES.join(", ")}`);
  if (meterType !== undefined && meterType !== "None") return "NUMBER";
  const enumValues = entitlement.raw("enumValues");
  if (Array.isArray(enumValues) && enumValues.length > 0) return "ENUM";
  return entitlement.raw("usageLimit") !== undefined || entitlement.raw("hasUnlimitedUsage") === true
    ? "NUMBER"
    : "BOOLEAN";
}

export function decodeCurrency(fields: Fields): CreditCurrency {
  const currencyId = fields.text("currencyId");
  return {
    currencyId,
    displayName: fields.optionalText("displayName") ?? currencyId,
    description: fields.optionalText("description"),
    unitSingular: fields.optionalText("unitSingular"),
    unitPlural: fields.optionalText("unitPlural"),
    additionalMetaData: decodeMetaData(fields),
  };
}

function decodeMetaData(currency: Fields): CreditCurrency["additionalMetaData"] {
  const value = currency.raw("additionalMetaData");
  if (value === undefined) return undefined;
  if (isObject(value)) return value as Readonly<Record<string, JsonValue>>;
  currency.costs("additionalMetaData", "an object");
  return undefined;
}

export function decodeCreditRate(fields: Fields | undefined): CreditRate | undefined {
  if (fields === undefined) return undefined;
  const amount = fields.optionalNumber("amount");
  const currencyId = fields.optionalText("currencyId");
  if (amount !== undefined && currencyId !== undefined && currencyId !== "") return { amount, currencyId };
  if (fields.raw("amount") === undefined) fields.costs("amount", "a finite number");
  if (currencyId === undefined || currencyId === "") fields.costs("currencyId", "a non-empty string");
  return undefined;
}

function decodeUsageOf(fields: Fields, currentUsage: number | undefined): Usage {
  return {
    currentUsage: currentUsage ?? 0,
    periodAnchor: fields.optionalTimestamp("usagePeriodAnchor"),
    periodStart: fields.optionalTimestamp("usagePeriodStart"),
    periodEnd: fields.optionalTimestamp("usagePeriodEnd"),
    updatedAt: fields.optionalTimestamp("usageUpdatedAt"),
  };
}

/** What an entitlement is of whose id cannot be read: a wallet where it says so, else it may be a feature. */
export function typeOfUnreadable(value: unknown): EntitlementReference["type"] {
  if (!isObject(value)) return "feature";
  const { __typename: typename, feature }: { readonly __typename?: unknown; readonly feature?: unknown } = value;
  if (typeof typename === "string" && KIND_OF_TYPENAME.has(typename))
    return KIND_OF_TYPENAME.get(typename) ?? "feature";
  return "currency" in value && (feature === undefined || feature === null) ? "credit" : "feature";
}
