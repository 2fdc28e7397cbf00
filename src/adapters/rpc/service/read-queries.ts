import type { CreditQuery, FeatureQuery } from "../../../domain/decision/decision.js";
import type { FallbackValues } from "../../../domain/decision/fallback.js";
import type {
  GetBooleanEntitlementRequest,
  GetEntitlementFallback,
  GetEntitlementOptions,
  GetEntitlementRequest,
  GetEntitlementV2Request,
  GetEnumEntitlementRequest,
  GetMeteredEntitlementRequest,
  GetNumericEntitlementRequest,
} from "../gen/stigg/sidecar/v1/sidecar_pb.js";
import { invalidArgument, optionalFinite, optionalId, optionalRequestedUsage, requiredId } from "./request-reader.js";

const NO_VALUES: readonly string[] = [];

/** All of these: @throws CodedError `invalid-argument` naming the field. */
export function readBooleanQuery(
  { featureId, options }: GetBooleanEntitlementRequest,
  maxIdBytes?: number,
): FeatureQuery {
  return {
    featureId: requiredId(featureId, "feature_id", maxIdBytes),
    kind: "boolean",
    requestedUsage: undefined,
    requestedValues: NO_VALUES,
    fallback: options?.fallback && { hasAccess: options.fallback.hasAccess },
    fallbackWhenUnknown: false,
  };
}

export function readNumericQuery(
  { featureId, options }: GetNumericEntitlementRequest,
  maxIdBytes?: number,
): FeatureQuery {
  const fallback = options?.fallback;
  return {
    featureId: requiredId(featureId, "feature_id", maxIdBytes),
    kind: "numeric",
    requestedUsage: undefined,
    requestedValues: NO_VALUES,
    fallback: fallback && { hasAccess: fallback.hasAccess, value: fallback.value, isUnlimited: fallback.isUnlimited },
    fallbackWhenUnknown: false,
  };
}

export function readMeteredQuery(
  { featureId, options }: GetMeteredEntitlementRequest,
  maxIdBytes?: number,
): FeatureQuery {
  const fallback = options?.fallback;
  return {
    featureId: requiredId(featureId, "feature_id", maxIdBytes),
    kind: "metered",
    requestedUsage: optionalRequestedUsage(options?.requestedUsage, "options.requested_usage"),
    requestedValues: NO_VALUES,
    fallback: fallback && {
      hasAccess: fallback.hasAccess,
      usageLimit: optionalFinite(fallback.usageLimit, "options.fallback.usage_limit"),
      isUnlimited: fallback.isUnlimited,
    },
    fallbackWhenUnknown: false,
  };
}

export function readEnumQuery({ featureId, options }: GetEnumEntitlementRequest, maxIdBytes?: number): FeatureQuery {
  const fallback = options?.fallback;
  return {
    featureId: requiredId(featureId, "feature_id", maxIdBytes),
    kind: "enum",
    requestedUsage: undefined,
    requestedValues: options?.requestedValues ?? NO_VALUES,
    fallback: fallback && { hasAccess: fallback.hasAccess, enumValues: fallback.enumValues },
    fallbackWhenUnknown: false,
  };
}

export function readEntitlementQuery({ featureId, options }: GetEntitlementRequest, maxIdBytes?: number): FeatureQuery {
  return featureQuery(requiredId(featureId, "feature_id", maxIdBytes), options, true);
}

/** What a second-generation check asks about. */
export type EntitlementQuery =
  { readonly type: "feature"; readonly query: FeatureQuery } | { readonly type: "credit"; readonly query: CreditQuery };

export function readEntitlementV2Query(request: GetEntitlementV2Request, maxIdBytes?: number): EntitlementQuery {
  const featureId = optionalId(request.featureId, "feature_id", maxIdBytes);
  const currencyId = optionalId(request.currencyId, "currency_id", maxIdBytes);
  if (featureId !== undefined && currencyId !== undefined) {
    throw invalidArgument("feature_id and currency_id were both given: send exactly one of them");
  }
  if (featureId !== undefined) return { type: "feature", query: featureQuery(featureId, request.options, false) };
  if (currencyId !== undefined) return { type: "credit", query: creditQuery(currencyId, request.options) };
  throw invalidArgument("feature_id and currency_id were both empty: send exactly one of them");
}

function featureQuery(
  featureId: string,
  options: GetEntitlementOptions | undefined,
  fallbackWhenUnknown: boolean,
): FeatureQuery {
  return {
    featureId,
    kind: undefined,
    requestedUsage: optionalRequestedUsage(options?.requestedUsage, "options.requested_usage"),
    requestedValues: options?.requestedValues ?? NO_VALUES,
    fallback: readFallback(options?.fallback),
    fallbackWhenUnknown,
  };
}

function creditQuery(currencyId: string, options: GetEntitlementOptions | undefined): CreditQuery {
  return {
    currencyId,
    requestedUsage: optionalRequestedUsage(options?.requestedUsage, "options.requested_usage"),
    fallback: readFallback(options?.fallback),
  };
}

function readFallback(fallback: GetEntitlementFallback | undefined): FallbackValues | undefined {
  return (
    fallback && {
      hasAccess: fallback.hasAccess,
      value: fallback.value,
      isUnlimited: fallback.isUnlimited,
      usageLimit: optionalFinite(fallback.usageLimit, "options.fallback.usage_limit"),
      enumValues: fallback.enumValues,
    }
  );
}
