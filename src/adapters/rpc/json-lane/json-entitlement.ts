import { toJson, type JsonValue } from "@bufbuild/protobuf";
import { TimestampSchema } from "@bufbuild/protobuf/wkt";
import type { CreditCurrency } from "../../../domain/credit-currency.js";
import type { CreditDecision } from "../../../domain/decision.js";
import type { CreditEntitlement, FeatureEntitlement } from "../../../domain/entitlement.js";
import type { Feature } from "../../../domain/feature.js";
import { NO_USAGE, type Usage } from "../../../domain/usage.js";
import { encodeCurrency } from "../encode-credit.js";
import { encodeResetPeriod } from "../encode-entitlement.js";
import { encodeFeature } from "../encode-feature.js";
import { EntitlementCurrencySchema, EntitlementFeatureSchema, EntitlementResetPeriodSchema } from "../gen/stigg/sidecar/v1/sidecar_pb.js";
import { toInt32 } from "../int32.js";
import { JSON_OPTIONS } from "../json-options.js";
import { encodeMoment, secondsOf } from "../moment.js";

/** Made once: features and currencies belong to the product and not to a customer. */
const features = new WeakMap<Feature, JsonValue>();
const currencies = new WeakMap<CreditCurrency, JsonValue>();

/** One of the messages BooleanEntitlement, NumericEntitlement, MeteredEntitlement, EnumEntitlement, by what it is. */
export function entitlementJson(entitlement: FeatureEntitlement, usage: Usage = NO_USAGE): object {
  const feature = featureJson(entitlement.feature);
  switch (entitlement.kind) {
    case "boolean":
      return { feature };
    case "numeric":
      return { feature, value: toInt32(entitlement.usageLimit), isUnlimited: entitlement.hasUnlimitedUsage };
    case "metered":
      return meteredJson(feature, entitlement, usage);
    case "enum":
      return { feature, enumValues: entitlement.enumValues };
  }
}

export function creditJson(entitlement: CreditEntitlement, { usage = NO_USAGE, remaining }: CreditDecision): object {
  return {
    currency: currencyJson(entitlement.currency),
    usageLimit: numberJson(entitlement.usageLimit),
    currentUsage: numberJson(usage.currentUsage),
    remaining: numberJson(remaining),
    usagePeriodEnd: momentJson(usage.periodEnd),
    hasSoftLimit: entitlement.hasSoftLimit,
  };
}

/** JSON itself has no infinite numbers, and what is not one. */
export function numberJson(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}

function meteredJson(feature: JsonValue, entitlement: FeatureEntitlement, usage: Usage): object {
  const periodEnd = momentJson(usage.periodEnd);
  return {
    feature,
    usageLimit: entitlement.usageLimit === undefined ? undefined : numberJson(entitlement.usageLimit),
    isUnlimited: entitlement.hasUnlimitedUsage,
    currentUsage: numberJson(usage.currentUsage),
    resetPeriod: entitlement.resetPeriod && EntitlementResetPeriodSchema.value[encodeResetPeriod(entitlement.resetPeriod)].name,
    nextResetDate: periodEnd,
    usagePeriodAnchor: momentJson(usage.periodAnchor),
    usagePeriodStart: momentJson(usage.periodStart),
    usagePeriodEnd: periodEnd,
    hasSoftLimit: entitlement.hasSoftLimit,
  };
}

/** A moment in whole milliseconds, as nearly all are, is written by Date; the library has to think of nanoseconds. */
function momentJson(epochMs: number | undefined): JsonValue | undefined {
  if (epochMs === undefined || secondsOf(epochMs) === undefined) return undefined;
  if (Number.isInteger(epochMs)) return new Date(epochMs).toISOString().replace(".000Z", "Z");
  const moment = encodeMoment(epochMs);
  return moment && toJson(TimestampSchema, moment);
}

function featureJson(feature: Feature): JsonValue {
  let json = features.get(feature);
  if (json === undefined) features.set(feature, (json = toJson(EntitlementFeatureSchema, encodeFeature(feature), JSON_OPTIONS)));
  return json;
}

function currencyJson(currency: CreditCurrency): JsonValue {
  let json = currencies.get(currency);
  if (json === undefined) currencies.set(currency, (json = toJson(EntitlementCurrencySchema, encodeCurrency(currency), JSON_OPTIONS)));
  return json;
}
